export * from './dist/bullmq/index.js'
