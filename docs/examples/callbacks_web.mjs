import { createServer } from 'node:http'
import { Callbacks, Client, Job } from 'xiezhen'

const callbacks = new Callbacks()
const [host, port] = (process.env.LISTEN ?? '127.0.0.1:8787').split(':')
// In Express: app.use('/hooks', callbacks.node()), before express.json().
const server = createServer(callbacks.node((hint) => console.log('heard of', hint.key)))
await new Promise((listening) => server.listen(Number(port), host, listening))

const photos = Array.from({ length: 10 }, (_, n) => `photos/${String(n + 1).padStart(2, '0')}.jpg`)
const job = await new Client().run(new Job({ photos, styles: ['仙气十足'] }), { saveTo: 'out', callback: callbacks })
console.log(job.portraits[0].files)
server.close()
