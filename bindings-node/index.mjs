// The same classes as `require` gives: an error of one is an error of the other.
export { Client, Job, XiezhenError } from './dist/index.js'
