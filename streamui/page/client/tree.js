// Changes at a path of a JSON value. The old value stays as it is, and what did not change
// keeps its identity, so that React skips it.

const change = (value, verb, argument) => {
  if (verb === "=") return argument;
  if (verb === "<") return value.slice(0, argument);
  return typeof value === "string" ? value + argument : [...value, ...argument];
};

const copy = (holder) => (Array.isArray(holder) ? [...holder] : { ...holder });

/** Return the value with one patch `[path, verb, argument]` applied. */
export const applyPatch = (value, [path, verb, argument]) => {
  if (path.length === 0) return change(value, verb, argument);
  const [key, ...rest] = path;
  const result = copy(value);
  if (rest.length > 0) result[key] = applyPatch(value[key], [rest, verb, argument]);
  else if (verb === "-") delete result[key];
  else if (verb === "=") define(result, key, argument);
  else define(result, key, change(value[key], verb, argument));
  return result;
};

// A key called __proto__ is data like any other.
const define = (holder, key, value) =>
  Object.defineProperty(holder, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
