// The same classes as `require` gives.
export * from './dist/bullmq/index.js'
