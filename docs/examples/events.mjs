import { Client, Job } from 'xiezhen'

const client = new Client()
const photos = Array.from({ length: 10 }, (_, n) => `photos/${String(n + 1).padStart(2, '0')}.jpg`)
for await (const event of client.runEvents(new Job({ photos, styles: ['仙气十足'] }), { saveTo: 'out', checkpoint: 'ann.json' })) {
  if (event.type === 'trained') console.log('the model is', event.userId)
  if (event.type === 'saved') console.log(event.style, 'is in', event.path)
  if (event.type === 'notice') console.log('notice:', event.message)
}
