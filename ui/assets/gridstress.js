/* What only the browser can know or draw. */

/* Functions that the AG Grid columns name. */
window.dashAgGridFunctions = window.dashAgGridFunctions || {};
window.dashAgGridFunctions.gridstress = {
  /* Both colours: a cell whose value stays is not styled again when the scheme changes. */
  riskBar: function (params) {
    const { part, light, dark } = params.data;
    return { "--bar-part": `${100 * part}%`, "--bar-light": light, "--bar-dark": dark };
  },
  /* Enter on a row of the ranking is a click on it. */
  pick: function (params) {
    if (params.event.key !== "Enter" || !params.data) return;
    window.dash_clientside.set_props("pick", { value: params.data.node_id });
  },
  /* Tab leaves a table, the arrow keys go through it: else it takes fifty Tabs to get past. */
  leave: function () {
    return false;
  },
};

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gridstress = {
  /* Greys the page when values are old, and says so when the dashboard's own process is gone. */
  watch: (function () {
    // Counted in ticks, not seconds: a tab in the background is given fewer of them.
    const LOST_TICKS = 5;
    let lastBeat;
    let beatAt = 0;
    return function (ticks, beat, statusClass) {
      if (beat !== lastBeat) {
        lastBeat = beat;
        beatAt = ticks || 0;
      }
      if ((ticks || 0) - beatAt >= LOST_TICKS) return "root stale offline";
      return (statusClass || "").includes("status-gone") ? "root stale" : "root";
    };
  })(),

  /* Light or dark, passed to the figures that the server draws: Mantine only sets it on the page. */
  scheme: function (ticks, known) {
    const scheme = document.documentElement.getAttribute("data-mantine-color-scheme");
    return scheme && scheme !== known ? scheme : window.dash_clientside.no_update;
  },

  /* The name of the browser's tab: how many alarms are open, and the page. */
  title: function (title, alarms) {
    const [count] = /^[\d,]*/.exec(alarms || "");
    if (title) document.title = count ? `(${count}) ${title}` : title;
    return window.dash_clientside.no_update;
  },

  openAbout: function () {
    return true;
  },

  /* One model for the pages, whatever the switch shows; the address has the first word. */
  oneModel: (function () {
    let read;
    return function (view, choices, search) {
      const same = window.dash_clientside.no_update;
      const known = (choices || []).map((choice) => choice.value);
      const asked = new URLSearchParams(search || "").get("model");
      if (!known.length) return [same, same];
      if (search !== read) {
        read = search;
        if (known.includes(asked) && asked !== view) {
          return [asked === "both" ? known[0] : asked, asked];
        }
      }
      // Both at once: what a function sets itself does not call it again.
      if (!known.includes(view)) return [known[0], known[0]];
      return [view === "both" ? same : view, same];
    };
  })(),

  /* The age of the values on the page, counted on by the browser between two answers. */
  age: (function () {
    let shown;
    let shownAt = 0;
    return function (ticks, fresh) {
      if (!fresh) return ["–", "no data yet"];
      if (fresh !== shown) {
        shown = fresh;
        shownAt = Date.now();
      }
      const since = (Date.now() - shownAt) / 1000;
      const age = Math.max(0, Math.round(fresh.now - fresh.published_at + since));
      if (age < 100) return [`${age} s`, age > 10 ? "nothing newer" : "of the oldest shard"];
      const minutes = Math.floor(age / 60);
      return [
        minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`,
        "nothing newer",
      ];
    };
  })(),

  /* The two maps show the same part of the grid: a zoom or a move of one is done by the other. */
  linkZoom: function (first, second) {
    const same = window.dash_clientside.no_update;
    const { triggered, inputs_list } = window.dash_clientside.callback_context;
    const ids = inputs_list.map((input) => input.id);
    const trigger = (triggered[0] || {}).prop_id || "";
    const moved = trigger.startsWith(`${ids[1]}.`) ? second : first;
    // Other events (a new size, a first drawing) do not mean that the viewer wants to see another part.
    if (!Object.keys(moved || {}).some((key) => key.startsWith("xaxis."))) return same;
    const plots = ids.map((id) => document.querySelector(`#${id} .js-plotly-plot`));
    const [source, other] = moved === second ? [plots[1], plots[0]] : plots;
    const drawn = (plot) => plot && (plot._fullData || []).some((trace) => trace.name === "nodes");
    if (!drawn(source) || !drawn(other) || !other.offsetParent) return same;
    const ranges = (plot) => [...plot._fullLayout.xaxis.range, ...plot._fullLayout.yaxis.range];
    // A plot of another shape shows more along one axis: the middle counts, and one of the spans.
    const samePart = (has, asked) => {
      const spans = [has, asked].map((ends) => [ends[1] - ends[0], ends[3] - ends[2]]);
      const off = [0, 2].map((i) => Math.abs(has[i] + has[i + 1] - asked[i] - asked[i + 1]));
      const near = (i) => Math.abs(spans[0][i] / spans[1][i] - 1) < 0.002;
      return off.every((by, i) => by < spans[1][i] / 250) && (near(0) || near(1));
    };
    const wanted = ranges(source);
    // It only says that it has followed.
    if (source.gridstressAsked && samePart(wanted, source.gridstressAsked)) return same;
    delete source.gridstressAsked;
    if (!samePart(ranges(other), wanted)) {
      other.gridstressAsked = wanted;
      window.Plotly.relayout(other, {
        "xaxis.range": wanted.slice(0, 2),
        "yaxis.range": wanted.slice(2),
      });
    }
    return same;
  },

  /* The node that the address names, once, when the nodes are known. */
  nodeOfAddress: function (groups) {
    const field = document.getElementById("pick");
    if (!field || field.hadNode || !groups || !groups.length) {
      return window.dash_clientside.no_update;
    }
    field.hadNode = true;
    const asked = new URLSearchParams(window.location.search).get("node");
    const known = groups.flatMap((group) => group.items.map((item) => item.value));
    return known.includes(asked) ? asked : window.dash_clientside.no_update;
  },

  /* The zone that the address names, once, when the zones are known. */
  zoneOfAddress: function (choices, chosen) {
    const field = document.getElementById("zone");
    const { no_update } = window.dash_clientside;
    if (!field || field.hadZone || !choices || choices.length < 2) return no_update;
    field.hadZone = true;
    const asked = new URLSearchParams(window.location.search).get("zone");
    return asked !== chosen && choices.some((choice) => choice.value === asked) ? asked : no_update;
  },

  /* What is shown, in the address bar: it can be shared, and adds nothing to the history. */
  writeAddress: function (view, node, zone) {
    if (window.location.pathname !== "/") return window.dash_clientside.no_update;
    const parameters = new URLSearchParams(window.location.search);
    const asked = parameters.get("node");
    const field = document.getElementById("pick");
    if (view) parameters.set("model", view);
    if (node) parameters.set("node", node);
    else if (asked && field && field.hadNode) parameters.delete("node");
    const zones = document.getElementById("zone");
    if (zone && zone !== "*") parameters.set("zone", zone);
    else if (zones && zones.hadZone) parameters.delete("zone");
    window.gridstressAddress(parameters);
    return parameters.toString();
  },
};
