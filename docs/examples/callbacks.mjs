import { Callbacks, Client, Job } from 'xiezhen'

const callbacks = new Callbacks() // XIEZHEN_CALLBACK_URL and XIEZHEN_CALLBACK_SECRET, or options
const photos = Array.from({ length: 10 }, (_, n) => `photos/${String(n + 1).padStart(2, '0')}.jpg`)
const receiver = await callbacks.listen(process.env.LISTEN ?? '127.0.0.1:8787')
const job = await new Client().run(new Job({ photos, styles: ['仙气十足'] }), {
  saveTo: 'out',
  checkpoint: 'ann.json',
  callback: callbacks,
})
receiver.close()
console.log(job.portraits[0].files)
