// The page's own behaviour, apart from measuring: has a waiting video made, and plays it once it is
// ready. Without this script the buttons do the same, and a <noscript> refresh takes its place.
(() => {
  "use strict";
  const making = document.getElementById("making");
  if (!making) return;
  const progress = document.getElementById("progress");
  const start = document.getElementById("start");
  let wanted = false; // the viewer pressed play, so sound is expected
  let asked = false;

  const show = () => {
    if (start) start.hidden = true;
    progress.hidden = false;
  };

  const open = () => {
    if (asked || !making.dataset.open) return;
    asked = true;
    // one that hangs on its way must not keep the next poll from asking again
    const signal = AbortSignal.timeout(6000);
    fetch(making.dataset.open, { method: "POST", redirect: "manual", signal })
      .then((answer) => {
        // the answer to a form is a redirect, which a script sees without following it
        if (answer.type !== "opaqueredirect") throw new Error(answer.status);
        show();
      })
      .catch(() => { asked = false; }); // the next poll tries again
  };

  const openWhenSeen = () => {
    if (document.visibilityState === "visible") open();
  };

  // The new page is put in place of this one instead of loading it: a browser that saw the viewer
  // press play here lets the video start with sound.
  const swap = async () => {
    const text = await (await fetch(location.href, { cache: "no-store" })).text();
    const next = new DOMParser().parseFromString(text, "text/html");
    for (const part of ["main", "footer"]) {
      const old = document.querySelector(part);
      const fresh = next.querySelector(part);
      if (old && fresh) old.replaceWith(document.adoptNode(fresh));
    }
    const video = document.getElementById("player");
    if (!video) return location.reload();
    if (window.cuereelMeasure) window.cuereelMeasure(video, wanted);
    play(video);
  };

  const play = async (video) => {
    try {
      await video.play();
    } catch {
      video.muted = true;
      video.play().catch(() => {}); // the poster and its button stay
    }
    if (wanted) video.focus();
  };

  let wait = 700;
  const poll = async () => {
    wait = Math.min(wait * 1.15, 4000);
    if (document.visibilityState === "visible") {
      open();
      try {
        const answer = await fetch(making.dataset.status, { cache: "no-store" });
        const state = answer.ok ? await answer.json() : { coming: answer.status >= 500 };
        if (state.ready) return swap();
        if (!state.coming) return location.reload();
      } catch {
        // offline for a moment: ask again
      }
    }
    setTimeout(poll, wait);
  };

  if (start) {
    start.addEventListener("submit", (event) => {
      event.preventDefault();
      wanted = true;
      show();
      open();
    });
    document.addEventListener("visibilitychange", openWhenSeen);
    openWhenSeen();
  }
  setTimeout(poll, wait);
})();
