/* Which two models are compared, in the address bar: it can be shared. */

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gridstressPairs = {
  /* A new address has the first word, in whichever order it names the two. */
  choose: (function () {
    const sorted = (pair) => pair.split(",").sort().join();
    let read;
    return function (picked, choices, search) {
      const same = window.dash_clientside.no_update;
      const known = (choices || []).map((choice) => choice.value);
      if (!known.length) return same;
      const asked = new URLSearchParams(search || "").get("models");
      const found = asked && known.find((pair) => sorted(pair) === sorted(asked));
      const chosen = known.includes(picked);
      const wanted = chosen && search === read ? picked : found || (chosen ? picked : known[0]);
      read = search;
      return wanted === picked ? same : wanted;
    };
  })(),

  /* The chooser and its word in the address, where two models are shown and there are more. */
  address: function (picked, choices, pathname, view) {
    const two = pathname === "/compare" || (pathname === "/" && view === "both");
    const shown = two && (choices || []).length > 1;
    if (picked && (choices || []).length && pathname === window.location.pathname) {
      const query = new URLSearchParams(window.location.search);
      if (shown) query.set("models", picked);
      else query.delete("models");
      window.gridstressAddress(query);
    }
    return shown ? "" : "hidden";
  },
};
