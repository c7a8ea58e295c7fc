import os

import xiezhen

callbacks = xiezhen.Callbacks()  # XIEZHEN_CALLBACK_URL and XIEZHEN_CALLBACK_SECRET, or arguments
photos = [f"photos/{n:02}.jpg" for n in range(1, 11)]
with callbacks.listen(os.environ.get("LISTEN", "127.0.0.1:8787")):
    job = xiezhen.Client().run(
        xiezhen.Job(photos, ["仙气十足"]), save_to="out", checkpoint="ann.json", callback=callbacks
    )
print(job.portraits[0].files)
