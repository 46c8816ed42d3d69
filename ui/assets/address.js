/* What other scripts share. */

/* Aborted when the script that asks for it runs again, as in the tests, which begin a page anew in
   the same document: its listeners go then. */
window.gridstressSignal = function (name) {
  const known = (document.gridstressSignals = document.gridstressSignals || {});
  if (known[name]) known[name].abort();
  known[name] = new AbortController();
  return known[name].signal;
};

/* What is shown, in the address bar: it can be shared, and adds nothing to the history. */
window.gridstressAddress = function (query) {
  const { pathname, search, hash } = window.location;
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  if ((text && `?${text}`) === search) return false;
  const address = pathname + (text ? `?${text}` : "") + hash;
  window.history.replaceState(window.history.state, "", address);
  return true;
};
