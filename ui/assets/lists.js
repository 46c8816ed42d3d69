/* The filters and the order of a page's list, in the address bar: they can be shared. */

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gridstressFilters = (function () {
  function replace(query) {
    if (!window.gridstressAddress(query)) return;
    // Else Dash would see no new address in a link to the one that it knows.
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  /* A new address has the first word; one that names no filter keeps what is chosen. */
  function filters(page, everything) {
    const names = Object.keys(everything);
    const words = (value) => String(value ?? "").trim();
    return function (search, ...rest) {
      const { no_update, callback_context } = window.dash_clientside;
      const read = rest.at(-1);
      const chosen = rest.slice(0, names.length);
      if (window.location.pathname !== page) return Array(names.length + 1).fill(no_update);
      const query = new URLSearchParams(window.location.search);
      const reset = callback_context.triggered.some(
        (trigger) => trigger.prop_id.endsWith(".n_clicks") && trigger.value
      );
      let wanted = chosen;
      if (reset) {
        wanted = Object.values(everything);
      } else if (search !== read && names.some((name) => query.has(name))) {
        wanted = names.map((name) => {
          if (!query.has(name)) return everything[name];
          return Array.isArray(everything[name]) ? query.get(name).split(",") : query.get(name);
        });
      }
      names.forEach((name, place) => {
        const word = words(wanted[place]);
        if (word && word !== words(everything[name])) query.set(name, word);
        else query.delete(name);
      });
      replace(query);
      const differs = (value, place) => words(value) !== words(chosen[place]);
      const values = wanted.map((value, place) => (differs(value, place) ? value : no_update));
      return [...values, window.location.search];
    };
  }

  /* The columns that a table is sorted by, those that fall with a minus. */
  const order = (columns) =>
    columns
      .filter((column) => column.sort)
      .sort((a, b) => (a.sortIndex ?? 0) - (b.sortIndex ?? 0))
      .map((column) => (column.sort === "desc" ? "-" : "") + column.colId)
      .join();
  const unsorted = (api) =>
    order(api.getColumns().map((column) => ({ ...column.getColDef(), colId: column.getColId() })));

  window.dashAgGridFunctions = window.dashAgGridFunctions || {};
  window.dashAgGridFunctions.gridstressOrder = {
    write: function (params) {
      // Events come later: the page, and its table with it, may have been left.
      if (params.source !== "uiColumnSorted" || params.api.isDestroyed()) return;
      const query = new URLSearchParams(window.location.search);
      const chosen = order(params.api.getColumnState());
      if (chosen === unsorted(params.api)) query.delete("sort");
      else query.set("sort", chosen);
      replace(query);
    },
  };

  window.dash_clientside.gridstressOrder = {
    // Not an event of the grid: its first rows can be there before anything listens to it.
    read: async function (_search, table) {
      const { no_update } = window.dash_clientside;
      const wanted = () => new URLSearchParams(window.location.search).get("sort");
      const { pathname } = window.location;
      const asked = wanted();
      if (asked === null) return no_update;
      const api = await window.dash_ag_grid.getApiAsync(table);
      // Meanwhile the page may have been left: this may be the table of a later visit.
      if (window.location.pathname !== pathname || wanted() !== asked) return no_update;
      const state = asked.split(",").map((word, sortIndex) => ({
        colId: word.replace("-", ""),
        sort: word.startsWith("-") ? "desc" : "asc",
        sortIndex,
      }));
      api.applyColumnState({ state, defaultState: { sort: null } });
      return no_update;
    },
  };

  return {
    alarms: filters("/alarms", {
      level: [],
      state: "all",
      by: "all",
      zone: null,
      raised: "all",
      node: "",
    }),
    system: filters("/system", { search: "" }),
  };
})();
