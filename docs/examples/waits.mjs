import { Client } from 'xiezhen'

const client = new Client()
const photos = Array.from({ length: 10 }, (_, n) => `photos/${String(n + 1).padStart(2, '0')}.jpg`)
const paths = await Promise.all(photos.map((photo) => client.uploadFile(photo)))
const training = await client.createUserModel(paths) // billed
await client.waitTask(training.taskId, { timeoutMs: 7_200_000 })

const styles = (await client.listStyles()).slice(0, 3)
const created = []
for (const { style } of styles) created.push(await client.createTask(training.userId, style)) // billed
for (const task of await client.waitMany(created.map(({ taskId }) => taskId))) {
  if (task instanceof Error) console.log(task.code, task.message)
  else console.log(await client.saveResults(task, 'out'))
}
