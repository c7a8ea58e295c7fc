import xiezhen

client = xiezhen.Client()
photos = [f"photos/{n:02}.jpg" for n in range(1, 11)]
trained = client.run(xiezhen.Job(photos))  # no styles: it trains only
again = client.run(xiezhen.Job(styles=["仙气十足"], user_id=trained.user_id), save_to="out")
print(again.portraits[0].files)
