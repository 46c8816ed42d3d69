/* What an address says of how a page looks: ?theme= light or dark, ?wall=1 to be seen across a room,
   ?map= the part of the grid that is shown. Share copies the address. */

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gridstressShare = (function () {
  const asked = () => new URLSearchParams(window.location.search);
  const SAID_MS = 2000;

  const THEMES = ["light", "dark"];
  let switched = false; // by hand, on this visit

  // Before Mantine looks there for what was chosen last.
  const KEY = "mantine-color-scheme-value";
  const theme = asked().get("theme");
  let former; // what this browser had chosen: another's address does not change it for good
  if (THEMES.includes(theme)) {
    former = localStorage.getItem(KEY);
    localStorage.setItem(KEY, theme);
  }

  const signal = window.gridstressSignal("share");

  function write(name, value) {
    const query = asked();
    if (value === null) query.delete(name);
    else query.set(name, value);
    window.gridstressAddress(query);
  }

  async function share(button) {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(window.location.href);
      button.textContent = "Copied";
    } catch {
      // Without HTTPS, and not on this machine, a browser lets no page write there.
      window.prompt("The address of this view:", window.location.href);
      return;
    }
    setTimeout(() => { button.textContent = label; }, SAID_MS);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#share");
    if (button) share(button);
    if (event.target.closest("#scheme")) switched = true;
  }, { signal, capture: true }); // before Mantine changes what was clicked

  const ranges = (plot) => {
    const { xaxis, yaxis } = plot._fullLayout;
    return [...xaxis.range, ...yaxis.range].map((end) => Number(end.toFixed(3)));
  };

  let read;
  return {
    /* The address has the first word; a theme that is switched by hand is written there. */
    look: function (search, scheme) {
      document.documentElement.classList.toggle("wall", asked().get("wall") === "1");
      const wanted = asked().get("theme");
      const button = document.getElementById("scheme");
      if (switched) {
        if (scheme) write("theme", scheme);
      } else if (search !== read && button && THEMES.includes(wanted) && scheme && scheme !== wanted) {
        button.click();
        switched = false;
      }
      if (scheme && former !== undefined && !switched) {
        if (former === null) localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, former);
        former = undefined;
      }
      if (scheme) read = search;
      return window.dash_clientside.no_update;
    },

    /* The part of the grid that is shown; the address has the first word. */
    map: function (moved, drawn) {
      const { no_update, callback_context } = window.dash_clientside;
      const plot = document.querySelector("#map .js-plotly-plot");
      if (!drawn || !plot || !plot._fullLayout) return no_update;
      if (callback_context.triggered.some(({ prop_id }) => prop_id === "map-drawn.data")) {
        const ends = (asked().get("map") || "").split(",").map(Number);
        if (ends.length === 4 && ends.every(Number.isFinite) && ends[0] < ends[1] && ends[2] < ends[3]) {
          window.Plotly.relayout(plot, { "xaxis.range": ends.slice(0, 2), "yaxis.range": ends.slice(2) });
        }
        return no_update;
      }
      const keys = Object.keys(moved || {});
      if (keys.some((key) => key.endsWith(".autorange"))) write("map", null);
      else if (keys.some((key) => key.startsWith("xaxis.range"))) write("map", ranges(plot).join());
      return no_update;
    },
  };
})();
