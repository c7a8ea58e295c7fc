import xiezhen

client = xiezhen.Client(requests_per_second=10)
photos = [f"photos/{n:02}.jpg" for n in range(1, 11)]
orders = {
    "order-1": xiezhen.Job(photos, ["仙气十足"]),
    "order-2": xiezhen.Job(photos, ["花好月圆"]),
}
for key, done in client.run_many(orders, save_to="out", checkpoints="jobs").items():
    if isinstance(done, xiezhen.Job):
        print(key, done.stage, [portrait.files for portrait in done.portraits])
    else:
        print(key, done.code, done.message)
