import { Client, Job, XiezhenError } from 'xiezhen'

const client = new Client()
const photos = Array.from({ length: 10 }, (_, n) => `photos/${String(n + 1).padStart(2, '0')}.jpg`)
try {
  await client.run(new Job({ photos, styles: ['仙气十足'] }), { saveTo: 'out', checkpoint: 'ann.json', timeoutMs: 500 })
} catch (error) {
  if (!(error instanceof XiezhenError)) throw error
  if (error.code === 'outcome_unknown') {
    console.log('sent, perhaps billed, and the answer is lost:', error.sent)
    console.log('ask the vendor; then adopt the task, or run again with recreate: true')
  } else if (error.code === 'invalid_argument') {
    console.log(error.problems.join('\n'))
  } else {
    console.log(error.code, error.taskId, error.retryable ? 'try again later' : error.message)
  }
}
