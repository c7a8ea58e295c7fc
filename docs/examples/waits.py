import xiezhen

client = xiezhen.Client()
paths = [client.upload_file(f"photos/{n:02}.jpg") for n in range(1, 11)]
training = client.create_user_model(paths)  # billed
client.wait_task(training.task_id, timeout=7200)

styles = client.list_styles()[:3]
created = [client.create_task(training.user_id, style.style) for style in styles]  # billed
for task in client.wait_many([one.task_id for one in created]):
    if isinstance(task, xiezhen.Task):
        print(client.save_results(task, "out"))
    else:
        print(task.code, task.message)
