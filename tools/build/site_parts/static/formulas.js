// Formulas are set where the page is read; without JavaScript their source is shown.
document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll("span.math, div.math")) {
    katex.render(place.textContent, place, {
      displayMode: place.matches("div"),
      throwOnError: false,
    });
  }
});
