import xiezhen
from xiezhen import events

client = xiezhen.Client()
photos = [f"photos/{n:02}.jpg" for n in range(1, 11)]
for event in client.run_events(xiezhen.Job(photos, ["仙气十足"]), save_to="out", checkpoint="ann.json"):
    match event:
        case events.Trained(user_id=user_id):
            print("the model is", user_id)
        case events.Saved(style=style, path=path):
            print(style, "is in", path)
        case events.Notice(message=message):
            print("notice:", message)
