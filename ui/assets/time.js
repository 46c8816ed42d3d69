/* The time bar: the run's highest risk by hour, the moment shown, and how to get to another one. */

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gridstressTime = (function () {
  const UNKNOWN = 255;
  const DAY_S = 86400;
  const PATIENCE_MS = 3000;
  const REST_MS = 200;
  const SCALE = {
    light: [[233, 237, 241], [243, 178, 102], [199, 72, 96], [75, 20, 112]],
    dark: [[44, 53, 63], [150, 96, 40], [214, 84, 110], [217, 166, 255]],
  };
  let strip = null; // {run, model, first_s, step_s, risk, alarms, windows}
  let at = null; // epoch seconds, null for live
  let requested = null; // the moment asked for last
  let playing = null;
  let speed = 6; // hours of the grid a second
  let current = null; // the moment of the last news
  let waiting = false; // until the pages show the moment asked for

  const signal = window.gridstressSignal("time");

  const element = (id) => document.getElementById(id);
  const iso = (s) => new Date(1000 * s).toISOString().slice(0, s % 60 ? 19 : 16) + "Z";
  /* As the server reads it: a time without a zone is UTC. */
  const seconds = (text) => {
    const [, day, time, zone] = /^(\d{4}-\d\d-\d\d)(T[\d:.]+)?(Z|[+-]\d\d:\d\d)?$/.exec(text || "") || [];
    const s = Math.floor(Date.parse(`${day}${time || "T00:00"}${zone || "Z"}`) / 1000);
    return Number.isFinite(s) ? s : null;
  };
  const last = () => strip.first_s + (strip.risk.length - 1) * strip.step_s;
  const words = (s) => new Date(1000 * s).toUTCString().slice(5, 22);

  function write() {
    const query = new URLSearchParams(window.location.search);
    if (at === null) query.delete("at");
    else query.set("at", iso(at));
    window.gridstressAddress(query);
  }

  /* Ask for a moment; for the next one only when the pages show this one, however fast it is dragged. */
  function inform() {
    const moment = at === null ? null : iso(at);
    if (waiting) return;
    if (moment === requested) {
      document.documentElement.classList.remove("following");
      if (followed) window.gridstressFollow.reset();
      followed = false;
      return;
    }
    followed = false;
    requested = moment;
    write();
    window.dash_clientside.set_props("at", { data: moment });
    waiting = true;
    const since = performance.now();
    let frames = 0; // from the news to the questions of the pages
    const look = (now) => {
      frames = current === requested ? frames + 1 : 0;
      const busy = frames < 3 || document.querySelector("#page [data-dash-is-loading]");
      if (busy && now - since < PATIENCE_MS) return requestAnimationFrame(look);
      waiting = false;
      inform();
    };
    requestAnimationFrame(look);
  }

  /* While the bar is dragged the maps follow at once, all else when the pointer rests. */
  let resting = null;
  let followed = false; // the maps may show another moment than the page
  function follow() {
    const moment = iso(at);
    followed = true;
    document.documentElement.classList.add("following");
    window.gridstressFollow.to(moment, () => at !== null && iso(at) === moment);
    clearTimeout(resting);
    resting = setTimeout(inform, REST_MS);
  }

  function goTo(s, byDragging = false) {
    if (!strip) return;
    const live = s === null || s > last();
    at = live ? null : strip.first_s + Math.max(0, Math.round((s - strip.first_s) / strip.step_s)) * strip.step_s;
    paint();
    if (live) stop();
    if (byDragging && !live && window.gridstressFollow.can()) return follow();
    clearTimeout(resting);
    inform();
  }

  function stop() {
    if (playing) cancelAnimationFrame(playing.frame);
    playing = null;
    label();
  }

  function play() {
    if (playing) return stop();
    if (at === null) return strip && goTo(last());
    playing = { s: at, when: performance.now(), frame: 0 };
    const step = (now) => {
      if (!playing) return;
      playing.s += ((now - playing.when) / 1000) * speed * 3600;
      playing.when = now;
      if (Math.round((playing.s - at) / strip.step_s) !== 0) goTo(playing.s);
      if (playing) playing.frame = requestAnimationFrame(step);
    };
    playing.frame = requestAnimationFrame(step);
    label();
  }

  const position = () => (at === null ? strip.risk.length : Math.round((at - strip.first_s) / strip.step_s));

  function alarm(direction) {
    if (!strip) return;
    const here = position();
    const found =
      direction > 0
        ? strip.alarms.find((place) => place > here)
        : strip.alarms.findLast((place) => place < here);
    if (found !== undefined) goTo(strip.first_s + found * strip.step_s);
  }

  function move(steps) {
    if (strip) goTo((at === null ? last() : at) + steps * strip.step_s);
  }

  function colour(value, scale) {
    const part = (value / (UNKNOWN - 1)) * (scale.length - 1);
    const low = Math.min(Math.floor(part), scale.length - 2);
    return scale[low].map((c, i) => Math.round(c + (part - low) * (scale[low + 1][i] - c)));
  }

  /* A column a day, a row a step, and below it a mark for each day on which alarms were raised. */
  function picture() {
    const rows = Math.max(1, Math.round(DAY_S / strip.step_s));
    const origin = Math.floor(strip.first_s / DAY_S) * DAY_S;
    const lead = Math.round((strip.first_s - origin) / strip.step_s);
    const days = Math.max(1, Math.ceil((strip.risk.length + lead) / rows));
    const dark = document.documentElement.getAttribute("data-mantine-color-scheme") === "dark";
    const scale = SCALE[dark ? "dark" : "light"];
    const gap = Math.max(1, Math.round(rows / 12));
    const image = new ImageData(days, rows + 2 * gap);
    strip.risk.forEach((value, place) => {
      if (value === UNKNOWN) return;
      const slot = place + lead;
      const pixel = 4 * ((slot % rows) * days + Math.floor(slot / rows));
      image.data.set([...colour(value, scale), 255], pixel);
    });
    for (const place of strip.alarms) {
      const day = Math.floor((place + lead) / rows);
      for (let row = rows + gap; row < rows + 2 * gap; row += 1) {
        image.data.set([...scale.at(-1), 255], 4 * (row * days + day));
      }
    }
    return { image, origin, span: days * rows * strip.step_s };
  }

  let drawn = null; // {origin, span}
  function draw() {
    const canvas = element("time-canvas");
    if (!canvas || !strip) return;
    const { image, origin, span } = picture();
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext("2d").putImageData(image, 0, 0);
    drawn = { origin, span };
    paint();
  }

  function label() {
    const text = element("time-text");
    if (!text) return;
    const live = at === null;
    text.textContent = !strip ? "no window is final yet" : live ? "live" : words(at);
    const button = element("time-live");
    button.setAttribute("aria-pressed", String(live));
    button.classList.toggle("time-is-live", live);
    const start = element("time-play");
    start.disabled = !strip;
    start.textContent = live ? "Stay" : playing ? "Stop" : "Play";
    start.title = live ? "Stay at this moment" : playing ? "Stop here" : "Play on from here";
    element("time-strip").setAttribute("aria-valuetext", live ? "live" : words(at));
  }

  function paint() {
    const bar = element("time-strip");
    if (!bar || !strip || !drawn) return label();
    const s = at === null ? last() : at;
    element("time-cursor").style.left = `${(100 * (s - drawn.origin)) / drawn.span}%`;
    bar.setAttribute("aria-valuemin", strip.first_s);
    bar.setAttribute("aria-valuemax", last());
    bar.setAttribute("aria-valuenow", s);
    const here = position();
    element("time-next").disabled = !strip.alarms.some((place) => place > here);
    element("time-previous").disabled = !strip.alarms.some((place) => place < here);
    label();
  }

  /* Arrows and L work wherever no field, table or plot wants them. */
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target;
    if (target.closest("input, textarea, select, [role=grid], [role=listbox], [role=dialog]")) return;
    if (event.key === "l" || event.key === "L") return goTo(null);
    const ends = { Home: () => goTo(strip.first_s), End: () => goTo(null) }[event.key];
    if (ends && strip && target.id === "time-strip") {
      event.preventDefault();
      stop();
      return ends();
    }
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const onBar = target.closest("#time-bar");
    if (!steps || !(onBar || target === document.body || target.id === "page")) return;
    event.preventDefault();
    stop();
    move(steps * (event.shiftKey && strip ? Math.round(DAY_S / strip.step_s) : 1));
  }, { signal });

  document.addEventListener("click", (event) => {
    const act = {
      "time-live": () => goTo(null),
      "time-play": play,
      "calm-next": () => { stop(); alarm(1); },
      "time-next": () => { stop(); alarm(1); },
      "time-previous": () => { stop(); alarm(-1); },
    }[(event.target.closest("button") || {}).id];
    if (act) act();
  }, { signal });

  function dragged(event) {
    const box = element("time-strip").getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    // A column is a day: where in it the pointer stands is the hour.
    if (drawn) goTo(drawn.origin + part * drawn.span, true);
  }
  document.addEventListener("pointerdown", (event) => {
    const bar = event.target.closest("#time-strip");
    if (!bar || !strip || event.button) return;
    event.preventDefault();
    bar.focus();
    stop();
    bar.setPointerCapture(event.pointerId);
    dragged(event);
    const on = (moved) => dragged(moved);
    bar.addEventListener("pointermove", on);
    const off = () => {
      bar.removeEventListener("pointermove", on);
      clearTimeout(resting);
      inform();
    };
    bar.addEventListener("pointerup", off, { once: true });
    bar.addEventListener("pointercancel", off, { once: true });
  }, { signal });

  let runBefore;
  let pictured;
  return {
    /* More of the run, or another one. */
    take: function (news) {
      const { no_update } = window.dash_clientside;
      if (!news) return no_update;
      const more = Uint8Array.from(atob(news.risk), (letter) => letter.charCodeAt(0));
      const same = strip && strip.run === news.run && strip.model === news.model;
      if (!same || !news.begin) strip = { ...news, risk: new Uint8Array(), alarms: [] };
      if (strip.risk.length !== news.begin) return no_update; // of before; the rest comes again
      const risk = new Uint8Array(news.begin + more.length);
      risk.set(strip.risk);
      risk.set(more, news.begin);
      strip.risk = risk;
      strip.alarms = [...strip.alarms, ...news.alarms];
      strip.windows = news.windows;
      const alarms = strip.alarms.length;
      return { run: news.run, model: news.model, windows: news.windows, alarms };
    },

    /* The address has the first word; one that names no moment keeps it. */
    address: function (_pathname, _search, run, known) {
      const { no_update, callback_context } = window.dash_clientside;
      const other = runBefore !== undefined && runBefore !== run;
      runBefore = run;
      const asked = seconds(new URLSearchParams(window.location.search).get("at"));
      // Another run by hand begins live; one that Back or a link leads to has its moment with it.
      const led = callback_context.triggered.some(({ prop_id }) => prop_id.startsWith("url."));
      if (other && !led) at = null;
      else if (other || asked !== null) at = asked;
      requested = at === null ? null : iso(at);
      write();
      return requested === (known || null) ? no_update : requested;
    },

    news: function (word, moment, run, news) {
      const { no_update } = window.dash_clientside;
      const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
      if (word && (word[2] || null) === (moment || null)) {
        return same(word, news) ? no_update : word;
      }
      // The server's word is of another moment.
      const wanted = [run || null, moment];
      return !moment || same(wanted, (news || []).slice(1)) ? no_update : [0, ...wanted];
    },

    /* The pages know the moment. Windows are new with live news only. */
    arrived: function (news) {
      current = (news || [])[2] ?? null;
      return news && current === null ? news[0] : window.dash_clientside.no_update;
    },

    draw: function (moment, known, scheme, hours) {
      speed = Number(hours) || speed;
      if (!waiting && !followed) at = seconds(moment);
      // The picture of ten years is not made anew for every moment that is shown of it.
      const wanted = JSON.stringify([known, scheme]);
      if (wanted === pictured) paint();
      else draw();
      pictured = wanted;
      // An address may name a moment that the run does not have.
      if (strip && at !== null && (at > last() || at < strip.first_s)) goTo(at);
      return window.dash_clientside.no_update;
    },
  };
})();
