/* Which two models or runs are compared, in the address bar: it can be shared. */

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

/* The compare page: a second run, the model of each, and what the second map is. */
window.dash_clientside.gridstressPairs.sides = (function () {
  const MODELS = "*";
  const SECOND = "second";
  let read;
  return function (picked, each, show, choices, pair, search, known) {
    const same = window.dash_clientside.no_update;
    const query = new URLSearchParams(window.location.search);
    // A new visit and a new address begin with what the address says.
    if (!known || search !== read) {
      picked = query.get("with");
      each = query.get("each");
      show = query.get("show") || SECOND;
    }
    read = search;
    const other = picked && picked !== MODELS ? picked : null;
    const models = (choices || []).map((choice) => choice.value);
    if (models.length && !models.includes(each)) each = models[0];
    const sides = { with: other, models: other ? each : pair, show };
    if (window.location.pathname === "/compare") {
      const words = { with: other, each: other && models.length && each !== models[0] ? each : null };
      words.show = show === SECOND ? null : show;
      // Before the models are known, the address keeps what it says of them.
      if (other && !models.length) delete words.each;
      for (const [name, word] of Object.entries(words)) {
        if (word) query.set(name, word);
        else query.delete(name);
      }
      window.gridstressAddress(query);
    }
    const news = JSON.stringify(sides) === JSON.stringify(known) ? same : sides;
    return [other || MODELS, each || null, show, news, other ? "" : "hidden"];
  };
})();
