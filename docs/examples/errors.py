import xiezhen

client = xiezhen.Client()
job = xiezhen.Job([f"photos/{n:02}.jpg" for n in range(1, 11)], ["仙气十足"])
try:
    client.run(job, save_to="out", checkpoint="ann.json", timeout=0.5)
except xiezhen.OutcomeUnknownError as error:
    print("sent, perhaps billed, and the answer is lost:", error.sent)
    print("ask the vendor; then adopt the task, or run again with recreate=True")
except xiezhen.InvalidArgumentError as error:
    print(*error.problems, sep="\n")
except xiezhen.XiezhenError as error:
    print(error.code, error.task_id, "try again later" if error.retryable else error.message)
