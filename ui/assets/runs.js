/* The run a browser looks at, in the address bar: it can be shared, and stays from page to page. */

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gridstressRuns = {
  choose: (function () {
    const NEWEST = "*";
    let read;
    return function (picked, _pathname, _search, known) {
      const query = new URLSearchParams(window.location.search);
      const asked = query.get("run");
      const trigger = window.dash_clientside.callback_context.triggered;
      const byHand = read !== undefined && trigger.some((t) => t.prop_id === "run-pick.value");
      // An address that names a run has the first word; one that does not keeps what is chosen.
      const wanted = !byHand && asked ? asked : picked || NEWEST;
      read = wanted;
      if (wanted === NEWEST) query.delete("run");
      else query.set("run", wanted);
      if ((asked || NEWEST) !== wanted) window.gridstressAddress(query);
      const same = window.dash_clientside.no_update;
      // Saying the same again would count as a choice.
      const chosen = wanted === NEWEST ? null : wanted;
      return [chosen === (known || null) ? same : chosen, wanted === picked ? same : wanted];
    };
  })(),
};
