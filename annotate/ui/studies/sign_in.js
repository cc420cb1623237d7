// Takes the token of the start's link (LINK, put before this) out of the address, and signs in with it.

const token = new URLSearchParams(location.hash.slice(1)).get(LINK);
if (token) {
  history.replaceState(null, "", location.pathname + location.search);
  setTimeout(() => trigger("input", { token }));
}
