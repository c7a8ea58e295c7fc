import { Client, Job } from 'xiezhen'

const client = new Client()
const photos = Array.from({ length: 10 }, (_, n) => `photos/${String(n + 1).padStart(2, '0')}.jpg`)
const trained = await client.run(new Job({ photos })) // no styles: it trains only
const again = await client.run(new Job({ styles: ['仙气十足'], userId: trained.userId }), { saveTo: 'out' })
console.log(again.portraits[0].files)
