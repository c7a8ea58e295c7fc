import { checkPhotos } from 'xiezhen'

const photos = Array.from({ length: 10 }, (_, n) => `photos/${String(n + 1).padStart(2, '0')}.jpg`)
const reports = await checkPhotos(photos) // no client, nothing is sent
for (const { path, size, plan, problems, remarks } of reports) console.log(path, size, plan, ...problems, ...remarks)
const good = reports.filter(({ problems, remarks }) => problems.length + remarks.length === 0)
console.log(good.length, 'of', reports.length, 'photos are good')
