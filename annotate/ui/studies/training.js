// Asks for news while a training is looked at.

const timer = setInterval(() => {
  if (!element.isConnected) clearInterval(timer);
  else if (!document.hidden && element.querySelector("[data-live]")?.offsetParent) trigger("input");
}, 1500);
