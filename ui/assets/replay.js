/* The replay's panel: how the replay is, in words; the server sends its commands. */

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gridstressReplay = (function () {
  const words = (iso) => new Date(iso).toUTCString().slice(5, 22);
  const PACE = { auto: "1 h/s", max: "full speed" };
  const pace = (speed) => PACE[speed] || `${Number((Number(speed) / 3600).toPrecision(3))} h/s`;
  let speed; // that the control was last set to

  function state(replay) {
    if (replay.state === "waiting") return "waits";
    if (replay.state === "paused") return "paused";
    if (replay.to_alarm) return "hurries to the next alarm";
    return replay.hurries ? "hurries through calm" : pace(replay.speed);
  }

  function line(replay) {
    const next = replay.next ? `, at ${words(replay.next)}` : "";
    if (replay.state === "waiting") return `${replay.source}: nothing is being sent. Start anew sends a new run.`;
    return `Run ${replay.run}${next}. All who watch see the same.`;
  }

  const signal = window.gridstressSignal("replay");
  const box = () => document.querySelector("#replay-box[open], #replay-box details[open]");
  document.addEventListener("click", (event) => {
    const open = box();
    // A moment may be chosen meanwhile: a new run begins there.
    if (open && !open.closest("#time-bar").contains(event.target)) open.open = false;
  }, { signal, capture: true });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && box();
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  }, { signal });

  return {
    show: function (replay, at) {
      const { no_update } = window.dash_clientside;
      if (!replay) return ["replay hidden", "", "", no_update, no_update, no_update];
      const idle = replay.state === "waiting";
      for (const name of ["pause", "step", "next-alarm", "stop"]) {
        const button = document.getElementById(`replay-${name}`);
        if (button) button.disabled = idle;
      }
      const changed = speed !== replay.speed;
      speed = replay.speed;
      const inside = at && !replay.whole && Date.parse(at) >= Date.parse(replay.begin) && Date.parse(at) < Date.parse(replay.end);
      return [
        `replay replay-${replay.state}`,
        state(replay),
        line(replay),
        replay.state === "paused" ? "Resume" : "Pause",
        inside ? `Start anew from ${words(at)}` : "Start anew",
        changed ? replay.speed : no_update,
      ];
    },
  };
})();
