/* What only the browser can know or draw. */

/* Functions that the AG Grid columns name. */
window.dashAgGridFunctions = window.dashAgGridFunctions || {};
window.dashAgGridFunctions.gridstress = {
  riskBar: function (params) {
    const width = 100 * params.data.part;
    return {
      backgroundImage: `linear-gradient(${params.data.colour}, ${params.data.colour})`,
      backgroundSize: `${width}% 4px`,
      backgroundPosition: "left bottom 2px",
      backgroundRepeat: "no-repeat",
    };
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
};
