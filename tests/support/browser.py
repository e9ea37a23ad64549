"""What tests ask of a page in a browser: its themes, and whether its texts can be read."""

THEMES = ("light", "dark")

# Contrast of every text with the ground of the page, by WCAG 2: the least, and whose it is.
CONTRAST = """
const parse = (css) => css.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map((part) => part / 255)
  .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
const ground = luminance(parse(getComputedStyle(document.body).backgroundColor));
let least = [99, ""];
const texts = "p, dt, dd, td, th button, a, figcaption, h1, h2, h3, h4, li, .how, label, text, summary";
for (const element of document.querySelectorAll(texts)) {
  if (element.closest("[id^=heatmap] svg") || !element.textContent.trim()) continue;
  const style = getComputedStyle(element);
  const own = luminance(parse(element.tagName === "text" ? style.fill : style.color));
  const contrast = (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05);
  if (contrast < least[0]) least = [contrast, element.outerHTML.slice(0, 200)];
}
return least;
"""


def emulate(driver, theme="light", media=""):
    """Show pages in a theme, or as a medium shows them."""
    features = [{"name": "prefers-color-scheme", "value": theme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
