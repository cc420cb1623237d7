// Tells the Studies tab when the address asks for something else ("input"), and when the page is looked at again
// after a while in which another window may have changed the study ("click").

const listen = (target, kind, what) => {
  const hear = () => {
    if (!element.isConnected) return target.removeEventListener(kind, hear);
    if (kind === "popstate" ? location.hash.startsWith("#studies") : !document.hidden) trigger(what);
  };
  target.addEventListener(kind, hear);
};
listen(window, "popstate", "input");
listen(document, "visibilitychange", "click");
