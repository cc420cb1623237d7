// Asks for news while the panel is looked at, and no longer when three questions went unanswered.

let unanswered = 0;
watch("value", () => {
  unanswered = 0;
});
const timer = setInterval(() => {
  if (!element.isConnected) clearInterval(timer);
  else if (unanswered < 3 && !document.hidden && element.querySelector("[data-live]")?.offsetParent) {
    unanswered += 1;
    trigger("input");
  }
}, 4000);
