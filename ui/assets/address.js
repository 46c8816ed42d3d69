/* What is shown, in the address bar: it can be shared, and adds nothing to the history. */

window.gridstressAddress = function (query) {
  const { pathname, search, hash } = window.location;
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  if ((text && `?${text}`) === search) return false;
  const address = pathname + (text ? `?${text}` : "") + hash;
  window.history.replaceState(window.history.state, "", address);
  return true;
};
