"""Plays one scenario through one driver, in a space of its own."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from late import Late
from match import comparable, differences
from scenario import HERE, Scenario, fill

PHOTOS = [str(HERE.parent / "photos" / f"{n:02}.jpg") for n in range(1, 11)]
STYLES = {"仙气十足": "20057d0c-8cef-447e-88d0-a8f3490fd0b0", "花好月圆": "9ea64839-47df-4839-9823-cacac81eb933"}
# Quick, and with no budget; a scenario may say otherwise, and null leaves an option out.
OFTEN = {"initial_ms": 5, "factor": 1.2, "max_ms": 20}
CLIENT = {
    "app_code": "simulator-app-code",
    "timeout_ms": 20_000,
    "requests_per_second": 1e6,
    "training_schedule": OFTEN,
    "generation_schedule": OFTEN,
}
SETTINGS = {"training_seconds": 0.02, "generation_seconds": 0.02, "pictures_per_task": 1}
# What arguments are called where the design's name is not the language's.
SPELLINGS = {
    "node": {
        "connect_timeout": "connectTimeoutMs", "timeout": "timeoutMs", "requests_per_second": "requestsPerSecond",
        "upload_concurrency": "uploadConcurrency", "max_photo_bytes": "maxPhotoBytes", "max_pictures": "maxPictures",
        "training_schedule": "trainingSchedule", "user_id": "userId", "task_id": "taskId", "img_set": "imgSet",
        "callback_url": "callbackUrl",
    }
}  # fmt: skip
DESIGN = [*SPELLINGS["node"], "style"]
# Nothing here takes longer, unless it hangs.
PATIENCE = 60.0


class Driver:
    """A program that makes calls in one language: one line of JSON in, one out."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self._command, self._environment = command, environment
        self._start()

    def with_environment(self, more: dict[str, str]) -> Driver:
        """Another process of it, which has these variables too."""
        return Driver(self.name, self._command, self._environment | more)

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            text=True,
            encoding="utf-8",
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Makes a call; a driver that hangs or dies is started anew, and the scenario fails."""
        assert self._process.stdin and self._process.stdout
        watchdog = threading.Timer(PATIENCE, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watchdog.cancel()
        if not line:
            status = self._process.wait()
            self._start()
            raise Broken(f"the driver ended with {status} in {request['call']}")
        reply: dict[str, Any] = json.loads(line)
        if "broken" in reply:
            raise Broken(f"{request['call']}: {reply['broken']}")
        return reply

    def kill(self) -> None:
        """Whatever it is busy with, nobody wants to know any more."""
        self._process.kill()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(PATIENCE)


class Broken(Exception):
    """The driver or the scenario itself does not work."""


class Control:
    """The simulator's own side of a space."""

    def __init__(self, base: str, space: str) -> None:
        self._host = base.removeprefix("http://")
        self._prefix = f"/spaces/{space}/_simulator/"
        self._connection = http.client.HTTPConnection(self._host, timeout=PATIENCE)

    def __call__(self, method: str, what: str, body: Any = None) -> Any:
        self._connection.request(method, self._prefix + what, None if body is None else json.dumps(body))
        answer = self._connection.getresponse()
        content = json.loads(answer.read() or b"null")
        if answer.status != 200:
            raise Broken(f"the simulator refuses {what}: {content}")
        return content

    def close(self) -> None:
        self._connection.close()


class Play:
    """One cell of the table."""

    def __init__(
        self, scenario: Scenario, number: int, driver: Driver, services: list[str], folder: Path, given: dict[str, list]
    ) -> None:
        self.driver, self.scenario = driver, scenario
        space = f"{number}-{driver.name}"
        self.control, self.elsewhere = (Control(base, space) for base in services)
        self.folder = folder / space
        self.url_path = f"/spaces/{space}"
        self.url = services[0] + self.url_path
        self.host = services[0].removeprefix("http://")
        self.late = Late(services[0])
        self.hooks = Late()
        self.given = given
        self.failures: list[str] = []
        self.transcript: list[str] = []
        self.variables: dict[str, Any] = {
            "url": self.url, "host": self.host, "dir": str(self.folder), "photos": PHOTOS, "photo": PHOTOS[0], "styles": STYLES,
            "sizes": [Path(photo).stat().st_size for photo in PHOTOS],
            "eight": [f"user_upload/T1/{n}.jpg" for n in range(8)],
            "elsewhere": services[1] + self.url_path, "late": self.late.base + self.url_path,
            "hooks": self.hooks.base + "/hooks",
        }  # fmt: skip
        own = SPELLINGS.get(driver.name.partition("-")[0], {})
        self.variables["name"] = {name: own.get(name, name) for name in DESIGN}
        self.variables["case"] = {name: self.known(value) for name, value in scenario.case.items()}

    def known(self, value: Any) -> Any:
        """A case may name what is known already; what it names later is filled in where it is used."""
        try:
            return fill(value, self.variables)
        except KeyError:
            return value

    def run(self) -> None:
        """Plays it; `failures` tells what was not as promised."""
        self.folder.mkdir(parents=True)
        scenario = self.scenario
        try:
            self.control("POST", "settings", SETTINGS | fill(scenario.settings, self.variables))
            if scenario.environment:
                self.driver = self.driver.with_environment(fill(scenario.environment, self.variables))
            self.driver.ask({"call": "begin"})
            self.make_client({"client": scenario.client})
            for step in self.given.get(scenario.given or "", []):
                self.step(step)
            self.control("DELETE", "journal")
            for number, step in enumerate(scenario.steps, 1):
                before = len(self.failures)
                self.step(step)
                name = next(iter(step)) if "call" not in step else step["call"]
                self.failures[before:] = [f"step {number} ({name}){failure}" for failure in self.failures[before:]]
        except (Broken, KeyError, IndexError, TypeError, OSError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            if scenario.environment:
                self.driver.close()
            self.late.close()
            self.hooks.close()
            for control in (self.control, self.elsewhere):
                control("POST", "reset")
                control.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def step(self, step: dict[str, Any]) -> None:
        """Does one step. Its first name says what it is."""
        kind = next(name for name in KINDS if name in step)
        KINDS[kind](self, step)

    def call(self, step: dict[str, Any]) -> None:
        before = self.control("GET", "counts")["requests"] if "requests" in step else {}
        values, many = [], "each" in step
        for item in fill(step["each"], self.variables) if many else [None]:
            self.variables["item"] = item
            values.append(self.one_call(step))
        if "as" in step:
            self.variables[step["as"]] = values if many else values[0]
        if "reply_as" in step:
            self.variables[step["reply_as"]] = self.variables["reply"]
        if "requests" in step:
            after = self.control("GET", "counts")["requests"]
            sent = {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}
            expected = {name: count for name, count in fill(step["requests"], self.variables).items() if count}
            if sent != expected:
                self.failures.append(f": expected requests {expected}, the service saw {sent}")

    def one_call(self, step: dict[str, Any]) -> Any:
        arguments = {name: part for name, part in step.items() if name not in ("expect", "as", "reply_as", "each", "requests")}
        reply = self.driver.ask(without_none(fill(arguments, self.variables)))
        if step["call"] == "callbacks" and reply.get("value"):
            # As behind a reverse proxy: the address that the service calls is known before the receiver's own.
            self.hooks.lead_to(reply.pop("value"))
            self.hooks.open(0)
        return self.judge(step, reply)

    def judge(self, step: dict[str, Any], reply: dict[str, Any]) -> Any:
        self.transcript.append(
            comparable(
                reply,
                {self.url: "<url>", self.url_path: "<space>", str(self.folder): "<dir>", self.hooks.base: "<hooks>"},
            )
        )
        self.variables["reply"] = reply
        refused = reply.get("error") or {}
        refused.setdefault("spelled", refused.get("problems"))
        expected = {"error": None} | fill(step.get("expect", {}), self.variables)
        self.failures += differences(expected, reply)
        return reply.get("value")

    def make_client(self, step: dict[str, Any]) -> None:
        options = {"base_url": self.url} | CLIENT | fill(step["client"], self.variables)
        self.judge(step, self.driver.ask({"call": "client"} | without_none(options)))

    def fault(self, step: dict[str, Any]) -> None:
        fault = without_none(fill(step["fault"], self.variables), deep=False)
        if "reply" in fault:
            # The body is the service's own, nulls and all.
            fault["reply"] = {n: without_none(part) if n == "headers" else part for n, part in fault["reply"].items()}
            fault["reply"] = without_none(fault["reply"], deep=False)
        self.control("POST", "faults", fault)

    def clear_faults(self, _: dict[str, Any]) -> None:
        self.control("DELETE", "faults")

    def settings(self, step: dict[str, Any]) -> None:
        self.control("POST", "settings", fill(step["settings"], self.variables) or {})

    def finish(self, step: dict[str, Any]) -> None:
        told = fill(step["finish"], self.variables)
        self.control("POST", f"tasks/{told['task']}", {"state": told["state"]})

    def until(self, step: dict[str, Any]) -> None:
        """Waits until the service has seen so many requests; does a step meanwhile, as often as it takes."""
        deadline = time.monotonic() + PATIENCE
        told = len(self.transcript)
        while True:
            if "meanwhile" in step:
                self.step(step["meanwhile"])
                del self.transcript[told:]
            seen = self.control("GET", "counts")["requests"]
            if all(seen.get(call, 0) >= count for call, count in step["until"].items()):
                return
            if time.monotonic() > deadline:
                raise Broken(f"waited for {step['until']}, saw {seen}")
            time.sleep(0.005)

    def write(self, step: dict[str, Any]) -> None:
        told = fill(step["write"], self.variables)
        content = Path(told["copy"]).read_bytes() if "copy" in told else b""
        content += told.get("text", "").encode() + base64.b64decode(told.get("base64", ""))
        path = Path(told["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        if "link" in told:
            return path.symlink_to(told["link"])
        path.write_bytes(content + b"\0" * told.get("zeros", 0))

    def said(self, step: dict[str, Any]) -> None:
        """Anything as a text, whatever part of it says something."""
        text = json.dumps(fill(step["said"], self.variables), ensure_ascii=False)
        self.failures += differences(fill(step["expect"], self.variables), text, " text")

    def listen(self, step: dict[str, Any]) -> None:
        """`$late` refuses connections until so many milliseconds have passed."""
        self.late.open(step["listen"] / 1000)

    def remove(self, step: dict[str, Any]) -> None:
        Path(fill(step["remove"], self.variables)).unlink()

    def files(self, step: dict[str, Any]) -> None:
        """The names in a folder, sorted. What a call gave up is removed by a thread that nobody waits for: soon after it."""
        folder, deadline = Path(fill(step["files"], self.variables)), time.monotonic() + PATIENCE
        while True:
            names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
            found = differences(fill(step["expect"], self.variables), names, " files")
            if not found or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        self.failures += found

    def content(self, step: dict[str, Any]) -> None:
        text = Path(fill(step["content"], self.variables)).read_text("utf-8")
        self.failures += differences(fill(step["expect"], self.variables), text, " content")

    def journal(self, step: dict[str, Any]) -> None:
        control = self.elsewhere if "elsewhere" in step else self.control
        wanted = fill(step["journal"], self.variables)
        entries = [entry for entry in control("GET", "journal") if not differences(wanted, entry)]
        self.failures += differences(fill(step["expect"], self.variables), entries, " journal")

    def tasks(self, step: dict[str, Any]) -> None:
        """What the vendor's side knows."""
        listed = self.control("GET", "tasks")
        self.variables[step["tasks"]] = listed
        self.failures += differences(fill(step.get("expect", {"$present": True}), self.variables), listed, " tasks")

    def counts(self, step: dict[str, Any]) -> None:
        self.failures += differences(fill(step["counts"], self.variables), self.control("GET", "counts"), " counts")

    def post(self, step: dict[str, Any]) -> None:
        """A request to a receiver, by whoever it may be; expected is the status."""
        told = fill(fill(step["post"], self.variables), self.variables)
        url = urlsplit(told["to"])
        connection = http.client.HTTPConnection(url.netloc, timeout=PATIENCE)
        connection.request("POST", url.path, json.dumps(told["json"]))
        status = connection.getresponse().status
        connection.close()
        self.failures += differences(fill(step["expect"], self.variables), status, " status")

    def forget(self, _: dict[str, Any]) -> None:
        self.control("DELETE", "journal")

    def repeat(self, step: dict[str, Any]) -> None:
        """Steps again and again, until the last call of them says that it is over."""
        told = len(self.transcript)
        for _ in range(400):
            del self.transcript[told:]
            for one in step["repeat"]:
                self.step(one)
            if self.failures or not self.variables[step["while"]]["again"]:
                return
            time.sleep(0.01)
        self.failures.append(": it never ended")


KINDS = {
    "repeat": Play.repeat, "call": Play.call, "client": Play.make_client, "fault": Play.fault,
    "clear_faults": Play.clear_faults, "settings": Play.settings, "finish": Play.finish, "until": Play.until,
    "write": Play.write, "remove": Play.remove, "files": Play.files, "content": Play.content, "journal": Play.journal,
    "tasks": Play.tasks, "counts": Play.counts, "forget": Play.forget, "post": Play.post, "listen": Play.listen, "said": Play.said,
}  # fmt: skip


def without_none(value: Any, deep: bool = True) -> Any:
    """Options that are null are not given at all; nor are a fault's."""
    if isinstance(value, dict):
        return {name: without_none(part) if deep else part for name, part in value.items() if part is not None}
    return value

