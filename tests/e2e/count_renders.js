// Counts in window.renders how often the component of each element with an id has rendered.
// React tells a hook for developer tools about each commit, in production builds too.
window.renders = {};
const PERFORMED_WORK = 1;

const elementOf = (fiber) => {
  for (let at = fiber; at; at = at.child)
    if (at.stateNode instanceof Element) return at.stateNode;
};

const count = (next, previous) => {
  if (typeof next.type !== "string" && next.flags & PERFORMED_WORK) {
    const id = elementOf(next)?.id;
    if (id) window.renders[id] = (window.renders[id] ?? 0) + 1;
  }
  if (previous && next.child === previous.child) return; // nothing below was touched
  for (let child = next.child; child; child = child.sibling)
    if (child.alternate !== null || !previous) count(child, child.alternate);
};

window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
  supportsFiber: true,
  renderers: new Map(),
  inject: () => 1,
  checkDCE: () => {},
  onCommitFiberUnmount: () => {},
  onPostCommitFiberRoot: () => {},
  onCommitFiberRoot: (_, root) => count(root.current, root.current.alternate),
};
