import xiezhen

client = xiezhen.Client()  # XIEZHEN_BASE_URL and XIEZHEN_APP_CODE, or arguments
photos = [f"photos/{n:02}.jpg" for n in range(1, 11)]
job = client.run(
    xiezhen.Job(photos, ["仙气十足", "花好月圆"]),
    save_to="out",
    checkpoint="out/job.json",
    on_event=print,
)
for portrait in job.portraits:
    print(portrait.style, portrait.files)
