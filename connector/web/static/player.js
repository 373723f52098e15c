// Measures playback: which stretches were played, in order, so that a rewatch is seen as one.
// Every beacon carries the whole session and a growing number; losing some loses nothing.
// Talks to the <video> element only, whatever controls are around it. Wire format: web/wire.py.
(() => {
  "use strict";
  const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const MOST_SEGMENTS = 200, MOST_EVENTS = 20, JUMP = 1.5, SHORTEST = 0.05;
  const INPUTS = ["pointermove", "pointerdown", "keydown", "touchstart", "wheel"];

  // The film matters, its figures do not: whatever goes wrong here, the page never hears of it.
  const quiet = (act) => (...given) => { try { return act(...given); } catch { /* unmeasured */ } };
  const date = () => Math.max(0, Math.floor(Date.now()));
  const visible = () => document.visibilityState === "visible";
  const round = (number) => (Number.isFinite(number) ? Math.round(number * 100) / 100 : 0);

  const ulid = () => {
    let time = date(), text = "";
    for (let i = 0; i < 10; i++, time = Math.floor(time / 32)) text = DIGITS[time % 32] + text;
    for (const byte of crypto.getRandomValues(new Uint8Array(16))) text += DIGITS[byte % 32];
    return text;
  };

  // For a session that is longer than allowed: its older half without order and repeats, and if
  // that is not enough without its shortest stretches. What was not played is never claimed.
  const merged = (list) => {
    const result = [];
    for (const [start, end, rate] of [...list].sort((a, b) => a[0] - b[0])) {
      const last = result[result.length - 1];
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else result.push([start, end, rate]);
    }
    while (result.length > MOST_SEGMENTS / 2 - 1) {
      const lengths = result.map(([start, end]) => end - start);
      result.splice(lengths.indexOf(Math.min(...lengths)), 1);
    }
    return result;
  };

  window.cuereelMeasure = quiet((video, gesture = false) => {
    const { ticket, to } = video.dataset;
    if (!ticket || video.dataset.session) return;
    const forms = document.querySelectorAll("form[data-cta]");

    let id, segments, open; // open: [start, rate] of the stretch that is playing
    let at = 0, seenAt = 0; // last position that was reached by playing, and when
    let played, sent, number, last, events;
    let stalledAt, stalled, stallTimer, pressedAt, startup, errors;
    let touched, input, started, shown, seen, loaded, lookTimer, inputAt = -Infinity;
    let once, reading, trapped; // what is told once only; whether captions show
    const near = new Set(), glances = new Map(); // calls to action in sight, and since when

    const renew = (pressed) => {
      id = video.dataset.session = ulid();
      for (const form of forms) if (form.elements.s) form.elements.s.value = id;
      segments = []; events = []; open = null; last = "";
      played = sent = number = stalledAt = stalled = pressedAt = startup = errors = 0;
      once = new Set();
      reading = trapped = false;
      touched = input = pressed;
      started = shown = seen = loaded = false;
    };

    // Without the browser's own word for it, an input a moment ago is taken for the gesture.
    const pressed = () => {
      const { userActivation } = navigator;
      return userActivation ? userActivation.isActive : performance.now() - inputAt < 1000;
    };
    // on a telephone the browser's own controls keep the finger to themselves: only its word tells
    const touch = () => {
      if (!pressed()) return;
      touched = true;
      if (!started) input = true;
    };

    const note = (n, c = "") => {
      if (events.length >= MOST_EVENTS) return;
      events.push({ i: ulid(), n, c, pos: round(video.currentTime), at: date() });
    };
    const noteOnce = (n, c = "") => {
      if (once.has(n + c)) return;
      once.add(n + c);
      note(n, c);
    };

    const begin = () => {
      if (open) return;
      open = [video.currentTime, video.playbackRate];
      at = video.currentTime;
      seenAt = performance.now();
    };

    const end = () => {
      if (!open) return;
      const [start, speed] = open, rate = round(speed), tail = segments[segments.length - 1];
      open = null;
      if (at - start < SHORTEST) return;
      if (tail && tail[2] === rate && Math.abs(tail[1] - start) < 0.1) tail[1] = round(at);
      else segments.push([round(start), round(at), rate]);
      if (segments.length >= MOST_SEGMENTS) {
        const half = MOST_SEGMENTS / 2;
        segments = merged(segments.slice(0, half)).concat(segments.slice(half));
      }
    };

    // Follows the playhead; a step that playing cannot explain is a jump, and begins a new stretch.
    const follow = () => {
      if (video.seeking) return;
      const here = video.currentTime, clock = performance.now();
      if (!open) {
        if (!video.paused && !video.ended && video.readyState > 2) begin();
        return;
      }
      const step = here - at, most = ((clock - seenAt) / 1000 + JUMP) * open[1];
      if (step < -SHORTEST || step > most) {
        end();
        begin();
      } else if (step > 0) {
        if (visible()) seen = true;
        played += step / open[1];
        at = here;
      }
      seenAt = clock;
    };

    const stall = () => stalled + (stalledAt && performance.now() - stalledAt);
    const flow = () => {
      clearTimeout(stallTimer);
      stalled = stall();
      stalledAt = 0;
    };

    const silent = () => video.muted || video.volume === 0;
    const captioned = () => [...video.textTracks].some((t) => t.kind === "captions" && t.mode === "showing");
    const flags = () => ({
      g: +touched, m: +silent(), fs: +!!document.fullscreenElement, cc: +captioned(),
      vis: +seen, wd: +!!navigator.webdriver, inp: +input,
      dnt: +(navigator.globalPrivacyControl === true || navigator.doNotTrack === "1"),
      ...(trapped && { hp: 1 }),
    });

    const send = () => {
      const r = [...segments];
      if (open && at - open[0] >= SHORTEST) r.push([round(open[0]), round(at), round(open[1])]);
      const k = { st: Math.round(startup), sl: Math.round(stall() / 1000), er: errors };
      const p = round(video.currentTime);
      const text = JSON.stringify([r, p, events.length, touched, trapped, k]);
      if (text === last) return;
      last = text;
      sent = played;
      const body = JSON.stringify({
        v: 1, t: ticket, s: id, q: ++number, at: date(), d: round(video.duration), r, p, f: flags(),
        e: events, k,
      });
      const blob = new Blob([body], { type: "text/plain" });
      if (quiet(() => navigator.sendBeacon(to, blob))()) return;
      fetch(to, { method: "POST", body: blob, keepalive: true }).catch(() => {});
    };
    const settle = () => { follow(); send(); };

    // A call to action was seen once it was in sight for a second; one whose scene does not play is not.
    const glance = () => {
      for (const form of forms) {
        const inSight = near.has(form) && visible() && getComputedStyle(form).visibility !== "hidden";
        if (inSight === glances.has(form)) continue;
        clearTimeout(glances.get(form));
        if (!inSight) glances.delete(form);
        else glances.set(form, setTimeout(quiet(() => noteOnce("cta_view", form.dataset.cta)), 1000));
      }
    };
    const sight = (entries) => {
      for (const { target, isIntersecting } of entries) near[isIntersecting ? "add" : "delete"](target);
      glance();
    };

    // A load counts once the film is known and the page was looked at for a second.
    const look = () => {
      clearTimeout(lookTimer);
      if (loaded || !visible() || !video.readyState) return;
      lookTimer = setTimeout(quiet(() => { loaded = true; note("load"); send(); }), 1000);
    };

    const listen = (target, names, act) => {
      const how = { passive: true, capture: true };
      for (const name of names.split(" ")) target.addEventListener(name, quiet(act), how);
    };
    listen(video, "play", () => {
      touch();
      pressedAt = pressedAt || performance.now();
      if (!started) note("play");
      started = true;
    });
    listen(video, "playing", () => {
      flow();
      if (pressedAt && !shown) startup = performance.now() - pressedAt;
      shown = true;
      begin();
    });
    listen(video, "timeupdate", () => {
      follow();
      glance();
      if (played - sent >= (video.duration < 60 ? 5 : 10)) send();
    });
    listen(video, "pause", () => { follow(); flow(); touch(); end(); send(); });
    listen(video, "ended", () => { follow(); end(); note("complete"); send(); });
    listen(video, "seeking", () => { touch(); end(); });
    listen(video, "seeked", follow);
    listen(video, "ratechange", () => {
      if (pressed() && video.playbackRate !== 1) noteOnce("rate");
      if (open) { follow(); end(); begin(); }
    });
    // captions that come by themselves with silence are nobody's choice
    listen(video.textTracks, "change", () => {
      if (captioned() && !reading && started && pressed() && !silent()) noteOnce("captions_on");
      reading = captioned();
    });
    listen(video, "volumechange", touch);
    listen(video, "waiting", () => {
      // until the first picture it is the start that is slow, and that has its own figure
      if (shown) stalledAt = stalledAt || performance.now();
      clearTimeout(stallTimer);
      stallTimer = setTimeout(quiet(end), 1000);
    });
    // a <source> that fails says so by itself; captions that fail do not stop the film
    listen(video, "error", ({ target }) => {
      if (target.localName === "track") return;
      errors++; note("error"); send();
    });
    listen(video, "loadedmetadata", look);

    listen(window, INPUTS.join(" "), (event) => {
      if (!event.isTrusted) return;
      if (!started) input = true;
      if (/down|start/.test(event.type)) inputAt = performance.now();
    });
    listen(document, "visibilitychange", () => { look(); glance(); if (!visible()) settle(); });
    listen(window, "pagehide", settle);
    // a page that comes back from the browser's memory is looked at anew
    listen(window, "pageshow", (event) => {
      if (!event.persisted) return;
      renew(false);
      glances.forEach((timer) => clearTimeout(timer));
      glances.clear();
      look(); glance(); follow();
    });
    for (const form of forms) listen(form, "submit", settle);
    for (const link of document.querySelectorAll("a.stop")) {
      listen(link, "click", () => { noteOnce("unsubscribe_open"); settle(); });
    }
    for (const trap of document.querySelectorAll("a.beyond")) {
      listen(trap, "click", () => { trapped = true; send(); });
    }

    renew(gesture);
    look();
    quiet(() => {
      const eye = new IntersectionObserver(quiet(sight), { threshold: 0.5 });
      for (const form of forms) eye.observe(form);
    })();
    if (!video.paused) begin();
  });

  quiet(() => window.cuereelMeasure(document.getElementById("player")))();
})();
