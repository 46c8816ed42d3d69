/* What an address says of how a page looks: ?theme= light or dark, ?wall=1 to be seen across a room,
   ?map= the part of the grid that is shown. Share copies the address. */

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gridstressShare = (function () {
  const asked = () => new URLSearchParams(window.location.search);
  const SAID_MS = 2000;

  // Before Mantine looks there for what was chosen last.
  const theme = asked().get("theme");
  if (theme === "light" || theme === "dark") localStorage.setItem("mantine-color-scheme-value", theme);
  document.documentElement.classList.toggle("wall", asked().get("wall") === "1");

  if (document.gridstressShare) document.gridstressShare.abort();
  const { signal } = (document.gridstressShare = new AbortController());

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
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "share") share(button);
    // Mantine changes it with this click.
    if (button.id === "scheme") {
      setTimeout(() => write("theme", document.documentElement.getAttribute("data-mantine-color-scheme")));
    }
  }, { signal });

  const ranges = (plot) => {
    const { xaxis, yaxis } = plot._fullLayout;
    return [...xaxis.range, ...yaxis.range].map((end) => Number(end.toFixed(3)));
  };

  return {
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
