"""Fails where a name is used that was given up before anybody depended on it: what it is called now is said beside it."""
import subprocess
import sys

CODE = ["*.rs", "*.py", "*.pyi", "*.ts", "*.mts", "*.mjs", "*.h", "*.hpp", "*.c", "*.cpp"]
PYTHON = ["*.py", "*.pyi", "*README*.md", "docs/en/*.md", "docs/zh/*.md"]
# What it was, what it is, and where it must not be.
RETIRED = [
    (r"\b(?:client|session)\.settle\(|\bxiezhen_settle\b|\bClient::settle\b", "wait_for_creates", [*CODE, "*.md"]),
    (r"\bclient\.events\(", "run_events, runEvents", [*CODE, "*.md"]),
    (r"Event::Warning|EVENT_WARNING|type: 'warning'|xiezhen\.Warning\b", "notice", [*CODE, "*.md"]),
    (r"\bxiezhen\.events\.Warning\b|\bevents import .*\bWarning\b", "Notice", PYTHON),
    *[
        (rf"(?:xiezhen\.|class |except |import .*)\b{name}\b(?!Error)", f"{now}Error", PYTHON)
        for name, now in {
            "InvalidArgument": "InvalidArgument", "PermissionDenied": "PermissionDenied", "QuotaExhausted": "QuotaExhausted",
            "RateLimited": "RateLimit", "Timeout": "Timeout", "OutcomeUnknown": "OutcomeUnknown", "TaskFailed": "TaskFailed",
            "Cancelled": "Cancelled",
        }.items()
    ],
    (r"\btrainingTask\b|\btraining_task\(|\bjob_task_id\(", "training_task_id", CODE),
    (r"\bsave_results\([^)]*\bstyle=", "save_results(…, name=)", PYTHON),
    (r"\badvance_with\b|\bSaveJob\b(?! =)", "advance, whose save is a function", ["docs/*", "*README*.md"]),
    (r"\bTaskSource::look\b|\bsighted\b|\blook_soon\b", "poll, on_polled, poll_soon", CODE),
    (r"\bstruct (?:Budget|Pulse|UnderWay|Postman|Teller|Letter|Gathering|Conduct|Wish|Handed|Readers|Stoppable)\b", "issue 12 §2's words", CODE),
    (r"\b(?:take_back|restage|mistrust_times_beyond)\b", "revoke, update_stage, drop_future_times", CODE),
]  # fmt: skip


def uses(pattern: str, where: list[str]) -> list[str]:
    own = [":!tests/consistency/names.py", ":!docs/design.md"]
    found = subprocess.run(["git", "grep", "-nP", pattern, "--", *where, *own], capture_output=True, text=True, check=False)
    if found.returncode > 1:
        sys.exit(found.stderr)
    return found.stdout.splitlines()


problems = [f"{line.strip()}\n    is {now} today" for pattern, now, where in RETIRED for line in uses(pattern, where)]
print(*problems, f"{len(problems)} retired names in use", sep="\n")
sys.exit(bool(problems))
