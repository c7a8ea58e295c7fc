import { Client, Job } from 'xiezhen'

const client = new Client({ requestsPerSecond: 10 })
const photos = Array.from({ length: 10 }, (_, n) => `photos/${String(n + 1).padStart(2, '0')}.jpg`)
const orders = {
  'order-1': new Job({ photos, styles: ['仙气十足'] }),
  'order-2': new Job({ photos, styles: ['花好月圆'] }),
}
const done = await client.runMany(orders, { saveTo: 'out', checkpoints: 'jobs' })
for (const [key, job] of Object.entries(done)) {
  if (job instanceof Error) console.log(key, job.code, job.message)
  else console.log(key, job.stage, job.portraits.map(({ files }) => files))
}
