/* The alarms table and the links to nodes: what only the browser can do. */

window.gridstressGo = function (href) {
  // As dcc.Link does it: the page changes without being loaded anew.
  window.history.pushState({}, "", href);
  window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  window.scrollTo(0, 0);
};

window.dashAgGridFunctions = window.dashAgGridFunctions || {};
window.dashAgGridFunctions.gridstressAlarms = {
  open: function (params) {
    const event = params.event || {};
    if (params.type === "cellKeyDown" && event.key !== "Enter") return;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!params.data || String(window.getSelection())) return;
    window.gridstressGo(params.data.href);
  },
  byLevel: function (a, b) {
    const order = ["WARNING", "HIGH", "CRITICAL"];
    return order.indexOf(a) - order.indexOf(b);
  },
  bar: function (params) {
    return {
      backgroundImage: "linear-gradient(var(--source, #8aa4bf), var(--source, #8aa4bf))",
      backgroundSize: `${100 * params.value}% 3px`,
      backgroundPosition: "left bottom 1px",
      backgroundRepeat: "no-repeat",
    };
  },
  state: function (params) {
    return params.value === "open" ? "● open" : "○ cleared";
  },
  // The file holds values as they are, not as they are written for reading.
  csvCell: function (params) {
    return params.value === null || params.value === undefined ? "" : params.value;
  },
  csvHeader: function (params) {
    const field = params.column.getColDef().field;
    return field === "model_id" ? "model" : field;
  },
};

window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};
window.dashAgGridComponentFunctions.GridstressNodeLink = function (props) {
  return React.createElement(
    "a",
    {
      href: props.data.href,
      className: "node-link",
      tabIndex: -1,
      onClick: function (event) {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
        event.preventDefault();
        window.gridstressGo(props.data.href);
      },
    },
    props.value
  );
};

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gridstressAlarms = {
  count: function (visible, total, filters) {
    const shown = (visible || []).length;
    const empty = (total || {}).empty || "";
    const filtered = Object.keys(filters || {}).length > 0;
    if (!total) return ["", "", "alarms-empty hidden"];
    if (empty) return ["none", empty, "alarms-empty"];
    const newest = total.limit ? `, of the newest ${total.limit.toLocaleString("en")}` : "";
    const noun = shown === 1 ? "episode" : "episodes";
    const text = `${shown.toLocaleString("en")} ${noun}${filtered ? " left by the filters" : ""}${newest}`;
    if (shown || !filtered) return [text, "", "alarms-empty hidden"];
    return [text, "No episode passes these filters. Reset shows all of them.", "alarms-empty"];
  },
};

window.dash_clientside.gridstressNode = {
  /* Another node was chosen: go there. */
  pick: function (picked, known) {
    if (picked && picked !== known) {
      const query = window.location.search;
      window.gridstressGo("/node/" + encodeURIComponent(picked) + query);
    }
    return window.dash_clientside.no_update;
  },
  /* The address and the model switch say the same: a new address first, then the switch. */
  address: (function () {
    let applied = null;
    return function (_search, view, _node, choices) {
      const done = null;
      const { pathname, search } = window.location;
      if (!pathname.startsWith("/node/") || !(choices || []).length) return done;
      const query = new URLSearchParams(search);
      const asked = query.get("model");
      const key = `${pathname} ${asked}`;
      if (asked && applied !== key && choices.some((c) => c.value === asked)) {
        applied = key;
        // The switch belongs to the shell, which is there on every page.
        if (asked !== view) window.dash_clientside.set_props("view", { value: asked });
        return done;
      }
      if (view && asked !== view) {
        query.set("model", view);
        applied = `${pathname} ${view}`;
        window.history.replaceState({}, "", `${pathname}?${query}`);
        window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
      }
      return done;
    };
  })(),
};
