// Values of the addon are made in the realm that it was loaded in. Where this package runs in another one (Jest, vm), they
// are made anew: `instanceof Array` and `toStrictEqual` hold of them, too.

/** The value, made of this realm's objects and arrays. What has a class of its own stays as it is. */
export function ownRealm<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Object) return value
  if (Array.isArray(value)) return Array.from(value, ownRealm) as T
  const prototype = Object.getPrototypeOf(value)
  if (prototype === null || Object.getPrototypeOf(prototype) !== null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, ownRealm(one)])) as T
}
