// Puts a link, or the block for an e-mail, on the clipboard. The pages work without it: the link
// stands in a field of its own.
const toast = document.getElementById("toast")
let fading

function say(sentence) {
  toast.textContent = sentence
  clearTimeout(fading)
  fading = setTimeout(() => { toast.textContent = "" }, 4000)
}

function wanted(take) {
  if (take === "link") return { text: document.getElementById("link").value }
  const { html, text } = document.querySelector(".pick:checked").dataset
  return { html, text }
}

async function put({ html, text }) {
  if (!html) return navigator.clipboard.writeText(text)
  const parts = { "text/html": html, "text/plain": text }
  const blobs = Object.entries(parts).map(([type, part]) => [type, new Blob([part], { type })])
  return navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))])
}

// over plain http on another machine there is no other clipboard
function putTheOldWay({ html, text }) {
  let done = false
  const fill = (event) => {
    event.clipboardData.setData("text/plain", text)
    if (html) event.clipboardData.setData("text/html", html)
    event.preventDefault()
    done = true
  }
  document.addEventListener("copy", fill, { once: true })
  document.execCommand("copy")
  document.removeEventListener("copy", fill)
  return done
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-take]")
  if (!button) return
  const content = wanted(button.dataset.take)
  try {
    await put(content)
  } catch {
    if (!putTheOldWay(content)) {
      document.getElementById("link").select()
      say("This browser does not let us copy; the link is marked, so copy it by hand.")
      return
    }
  }
  say(button.dataset.take === "link" ? "Link copied." : "Copied. Paste it into your e-mail.")
})

function offer() {
  for (const clip of document.querySelectorAll("[data-clip]")) clip.hidden = false
}

offer()
document.addEventListener("htmx:afterSettle", (event) => {
  offer()
  const stands = document.getElementById("newest")?.dataset.stands
  if (event.target.id !== "newest" || !stands) return
  // what could not be asked for meanwhile can be asked for again
  for (const button of document.querySelectorAll(".offers button")) button.disabled = false
  say(stands)
})
document.addEventListener("focusin", (event) => {
  if (event.target.id === "link") event.target.select()
})
