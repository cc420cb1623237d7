"""What participants are told and asked before they rate, where a study's owner gives no text of their own.

An owner whose institution has an ethics board replaces the consent by the board's: these texts say truly what this
package stores, and no more. The instructions stand apart, so that a new consent does not take them away.
"""

from collections.abc import Mapping
from types import MappingProxyType

INSTRUCTIONS: Mapping[str, str] = MappingProxyType({
    "en": (
        "You will see photos of faces, one after the other, and say how good the picture is: how sharp, clean and well "
        "lit, not how attractive the person. Your first impression counts."
    ),
    "de": (
        "Sie sehen nacheinander Fotos von Gesichtern und sagen, wie gut das Bild ist: wie scharf, sauber und gut "
        "beleuchtet, nicht wie attraktiv die Person ist. Es zählt Ihr erster Eindruck."
    ),
    "es": (
        "Verá fotos de caras, una tras otra, y dirá qué calidad tiene la imagen: su nitidez, limpieza e iluminación, "
        "no lo atractiva que sea la persona. Cuenta su primera impresión."
    ),
})  # fmt: skip

CONSENT: Mapping[str, str] = MappingProxyType({
    "en": (
        "We store your answers with the time you took and the size of the picture on your screen, under a pseudonym, "
        "and publish them only in this form. Taking part is voluntary: you can stop at any time, and have everything "
        "about you deleted through your personal link."
    ),
    "de": (
        "Wir speichern Ihre Antworten mit der Zeit, die Sie gebraucht haben, und der Größe des Bildes auf Ihrem "
        "Bildschirm unter einem Pseudonym und veröffentlichen sie nur so. Die Teilnahme ist freiwillig: Sie können "
        "jederzeit aufhören und über Ihren persönlichen Link alles löschen lassen, was zu Ihnen gespeichert ist."
    ),
    "es": (
        "Guardamos sus respuestas con el tiempo empleado y el tamaño de la imagen en su pantalla, bajo un seudónimo, y "
        "solo las publicamos así. La participación es voluntaria: puede dejarlo en cualquier momento y hacer que se "
        "borre todo lo relativo a usted con su enlace personal."
    ),
})  # fmt: skip

ELIGIBILITY: Mapping[str, str] = MappingProxyType({
    "en": "I am at least 18 years old and see well, with my glasses or lenses if I need them.",
    "de": "Ich bin mindestens 18 Jahre alt und sehe gut, mit Brille oder Kontaktlinsen, falls ich sie brauche.",
    "es": "Tengo al menos 18 años y veo bien, con gafas o lentillas si las necesito.",
})  # fmt: skip
