// The same classes as `require` gives.
export * from './dist/stores/index.js'
