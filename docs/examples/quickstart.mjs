import { Client, Job } from 'xiezhen'

const client = new Client() // XIEZHEN_BASE_URL and XIEZHEN_APP_CODE, or options
const photos = Array.from({ length: 10 }, (_, n) => `photos/${String(n + 1).padStart(2, '0')}.jpg`)
const job = await client.run(new Job({ photos, styles: ['仙气十足', '花好月圆'] }), {
  saveTo: 'out',
  checkpoint: 'out/job.json',
  onEvent: console.log,
})
for (const portrait of job.portraits) console.log(portrait.style, portrait.files)
