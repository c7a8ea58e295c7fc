import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Job } from 'xiezhen'

const client = new Client()
const store = new Map() // any store that keeps a text
const save = (job) => store.set('ann', JSON.stringify(job))

let job = new Job({ photos: Array.from({ length: 10 }, (_, n) => `photos/${String(n + 1).padStart(2, '0')}.jpg`), styles: ['仙气十足'] })
for (;;) {
  const delay = await client.advance(job, save, { saveTo: 'out' })
  if (delay === null) break
  await sleep(delay)
  job = Job.fromJSON(store.get('ann')) // in this process or any other, but in one at a time
}
console.log(job.stage)
