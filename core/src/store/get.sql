SELECT job FROM xiezhen_jobs WHERE key = $1
