// The happy path in Node. The environment says where the service is and who is asking.
import { Client } from '../../bindings-node/index.mjs';

const often = { initialMs: 50, factor: 1, maxMs: 50 };
const client = new Client({ trainingSchedule: often, generationSchedule: often, maxRetries: 0 });
const callbackUrl = 'https://example.com/callback';

const paths = [];
for (let n = 1; n <= 8; n += 1) paths.push(await client.uploadFile(`${process.env.PHOTOS}/0${n}.jpg`));
const training = await client.createUserModel(paths, { callbackUrl });
await client.waitTask(training.taskId, { timeoutMs: 20_000 });
const [{ style }] = await client.listStyles();
const task = await client.createTask(training.userId, style, { callbackUrl });
await client.waitTask(task.taskId, { timeoutMs: 20_000 });
console.log((await client.queryTask(task.taskId)).state);
