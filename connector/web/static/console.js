// Copies a link where a button offers it. Everything else on these pages works without script.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]")
  if (!button) return
  const before = button.textContent
  try {
    await navigator.clipboard.writeText(button.dataset.copy)
    button.textContent = "Copied"
  } catch {
    // without permission, or over plain http on another machine
    window.prompt("Copy this link", button.dataset.copy)
  }
  setTimeout(() => { button.textContent = before }, 2000)
})
for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false
document.addEventListener("htmx:afterSwap", () => {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false
})
// on a narrow screen the pages' names scroll, and where one is stands far to the right
const row = document.querySelector(".top nav"), here = row?.querySelector("[aria-current]")
if (here) row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2
