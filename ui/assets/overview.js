/* The overview, what only the browser does: its maps follow the time bar while it is dragged, by
   their values alone; an open alarm chooses its node. */

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gridstressFollow = (function () {
  const NAMES = ["drawn", "second", "model", "view", "pair", "run", "zone", "pick", "scheme"];
  const MAPS = ["map", "map-second"];
  let look = null; // what the maps show
  let next = null; // {moment, wanted}
  let asking = false;

  const plot = (name) => document.querySelector(`#${name} .js-plotly-plot`);

  function merged(trace, changes) {
    const found = { ...trace };
    for (const [path, value] of Object.entries(changes)) {
      const [name, inner] = path.split(".");
      found[name] = inner ? { ...found[name], [inner]: value } : value;
    }
    return found;
  }

  async function ask() {
    if (asking || !next) return;
    const { moment, wanted } = next;
    next = null;
    asking = true;
    const asked = look;
    try {
      const answer = await fetch(`/map-at?${new URLSearchParams({ ...asked, at: moment })}`);
      const text = await answer.text();
      const maps = answer.status === 200 ? JSON.parse(text) : {};
      // One that is dragged on shows what it has passed; one that has left, or has chosen another
      // model meanwhile, shows nothing of it.
      for (const name of asked === look && (next || wanted()) ? MAPS : []) {
        const shown = plot(name);
        if (!maps[name] || !shown || !shown._fullLayout) continue;
        const data = shown.data.map((trace, i) => (maps[name][i] ? merged(trace, maps[name][i]) : trace));
        await window.Plotly.react(shown, data, shown.layout);
      }
    } catch (error) {
      console.info(`gridstress: the map does not follow: ${error}`); // the page itself says what is gone
    } finally {
      asking = false;
      ask();
    }
  }

  window.gridstressFollow = {
    can: () => Boolean(look && look.drawn && plot("map")),
    /* Show a moment, or a later one that is wanted before there is an answer. */
    to: function (moment, wanted) {
      next = { moment, wanted };
      ask();
    },
    /* Have the maps drawn anew with what the page knows. */
    reset: function () {
      next = null;
      const drawn = { "map-drawn": look.drawn, "map-second-drawn": look.second };
      for (const [id, data] of Object.entries(drawn)) {
        if (data) window.dash_clientside.set_props(id, { data });
      }
    },
  };

  const signal = window.gridstressSignal("overview");
  document.addEventListener("click", (event) => {
    const button = event.target.closest("#open-alarms [data-node]");
    if (button) window.dash_clientside.set_props("pick", { value: button.dataset.node });
  }, { signal });

  return {
    look: function (...shown) {
      look = Object.fromEntries(NAMES.map((name, i) => [name, shown[i] ?? ""]));
      return window.dash_clientside.no_update;
    },
  };
})();
