"""German."""

from annotate.design.language import Language

LANGUAGE = Language(
    code="de",
    name="Deutsch",
    scale_words=("Schlecht", "Dürftig", "Ordentlich", "Gut", "Ausgezeichnet"),
    impairment_words=(
        "Sehr störend",
        "Störend",
        "Etwas störend",
        "Wahrnehmbar, aber nicht störend",
        "Nicht wahrnehmbar",
    ),
    scale_titles={"overall": "Gesamt", "details": "Details", "exposure": "Belichtung"},
    instructions=(
        "Sie sehen nacheinander Fotos von Gesichtern und sagen, wie gut das Bild ist: wie scharf, sauber und "
        "gut beleuchtet, nicht wie attraktiv die Person ist. Es zählt Ihr erster Eindruck."
    ),
    method_instructions={
        "dcr": (
            "Sie sehen ein Foto eines Gesichts, die Referenz, und dasselbe Foto noch einmal, möglicherweise "
            "gestört. Sagen Sie, wie sichtbar die Störung ist und wie sehr sie stört, nicht wie attraktiv die "
            "Person ist. Es zählt Ihr erster Eindruck."
        ),
        "pairs": (
            "Sie sehen jeweils zwei Fotos von Gesichtern, A und B, und sagen, welches Bild besser ist: schärfer, "
            "sauberer und besser beleuchtet, nicht auf welchem die Person attraktiver ist. Es zählt Ihr erster "
            "Eindruck."
        ),
    },
    consent=(
        "Wir speichern Ihre Antworten mit der Zeit, die Sie gebraucht haben, und der Größe des Bildes auf Ihrem"
        " Bildschirm unter einem Pseudonym und veröffentlichen sie nur so. Die Teilnahme ist freiwillig: Sie "
        "können jederzeit aufhören und über Ihren persönlichen Link alles löschen lassen, was zu Ihnen "
        "gespeichert ist."
    ),
    eligibility=("Ich bin mindestens 18 Jahre alt und sehe gut, mit Brille oder Kontaktlinsen, falls ich sie brauche."),
    data_protection=(
        "Verantwortlich für diese Studie ist, wer Sie eingeladen hat; Sie erreichen diese Stelle auf demselben Weg. "
        "Gespeichert werden Ihre Antworten mit Zeitpunkt und Dauer, die Größe des Bildes auf Ihrem Bildschirm, was "
        "die Prüfung Ihres Bildschirms gemessen hat, was Sie auf Fragen über sich angeben, und, wenn ein Panel Sie "
        "geschickt hat, dessen Kennung für Sie. Das wird gebraucht, um herauszufinden, wie gut die Bilder aussehen; "
        "veröffentlicht werden Antworten nur unter einem Pseudonym. Niemand verfolgt Sie: Es gibt keine Cookies für "
        "Werbung, und Ihr Browser behält nur Ihren persönlichen Link, damit Sie weitermachen können.\n\nSie können "
        "auf dieser Seite jederzeit alles über Sie löschen lassen und von dort, wo Sie eingeladen wurden, eine Kopie "
        "aller Daten über Sie verlangen. Sicherungskopien enthalten Gelöschtes, bis sie ersetzt werden. Sie dürfen "
        "sich bei der Datenschutzbehörde Ihres Wohnorts beschweren."
    ),
    trap_request="Aufmerksamkeitstest.\nBitte antworten Sie:",
    trap_comparison="Aufmerksamkeitstest.\nLinks besser: {left}\nRechts besser: {right}",
    ready_questions={
        "age_group": ("Wie alt sind Sie?", ("18 bis 29", "30 bis 44", "45 bis 59", "60 oder älter")),
        "gender": ("Welches Geschlecht haben Sie?", ("Frau", "Mann", "anderes")),
        "viewing_distance": (
            "Wie weit sind Ihre Augen vom Bildschirm entfernt?",
            ("weniger als 30 cm", "30 bis 50 cm", "50 bis 80 cm", "mehr als 80 cm"),
        ),
        "device": ("Worauf sehen Sie die Bilder?", ("Telefon", "Tablet", "Laptop", "Monitor", "Fernseher")),
    },
    wording={
        "language": "Sprache",
        "demo": "Demo",
        "demo_hint": "Eine Vorführung mit einem einzigen Porträt. Die Urteile werden wie andere gespeichert, "
        "bedeuten aber "
        "nichts.",
        "preview": "Testlauf",
        "preview_hint": "So sehen Teilnehmende die Studie. Nichts, was Sie hier antworten, wird gespeichert.",
        "preview_gone": "Dieser Testlauf ist vorbei. Starten Sie einen neuen im Reiter Studies, unter Set-up.",
        "loading": "Einen Moment…",
        "step_consent": "Einwilligung",
        "step_screen": "Bildschirm",
        "step_training": "Übung",
        "step_rating": "Bewertung",
        "step_end": "Danke",
        "consent_title": "Wie gut sind diese Bilder?",
        "consent_title_dcr": "Wie sichtbar sind die Störungen?",
        "consent_title_pairs": "Welches Bild ist besser?",
        "consent_heading": "Was mit Ihren Antworten geschieht",
        "storage_until": "Woran ein Panel Sie erkennt, und Ihr Abschlusscode, werden am {date} gelöscht. Ihre "
        "Antworten bleiben, unter dem Pseudonym.",
        "storage_unlimited": "Ihre Antworten bleiben, unter dem Pseudonym, bis Sie sie löschen lassen oder die "
        "Studie gelöscht wird.",
        "data_protection_title": "Datenschutz",
        "consent_button": "Einverstanden, los geht’s",
        "consent_box": "Ich habe das gelesen und nehme teil.",
        "questions_title": "Über Sie",
        "questions_hint": "Sie müssen nicht antworten; gespeichert wird es mit Ihren Urteilen, unter demselben "
        "Pseudonym.",
        "no_answer": "Keine Angabe",
        "screen_title": "Ihr Bildschirm",
        "screen_hint": "Die Bilder werden in ihrer eigenen Größe gezeigt, nie skaliert. Bitte stellen Sie den Zoom des "
        "Browsers auf 100 %, dämpfen Sie das Licht im Raum und stellen Sie den Bildschirm auf seine übliche "
        "Helligkeit.",
        "screen_fits": "Die Bilder passen auf Ihren Bildschirm.",
        "screen_small": "Die Bilder brauchen {needed} Pixel, Ihr Fenster hat {there}. Vergrößern Sie das Fenster, "
        "drehen "
        "Sie das Telefon oder öffnen Sie diesen Link auf einem größeren Bildschirm.",
        "screen_never": "Dieser Bildschirm ist zu klein für diese Bilder: Sie brauchen {needed} Pixel, er hat {there}. "
        "Bitte öffnen Sie den Link auf einem größeren Bildschirm, etwa an einem Computer.",
        "screen_required": "Diese Studie braucht einen größeren Bildschirm: {needed} Pixel an der kürzeren Seite, "
        "Ihrer "
        "hat {there}. Öffnen Sie den Link bitte auf einem Tablet oder Computer.",
        "screen_zoom": "Ihr Pixelverhältnis ist {ratio}; bei 100 % Zoom ist es meist eine ganze Zahl.",
        "screen_enlarged": "Die Seite ist vergrößert; stellen Sie sie auf ihre normale Größe zurück.",
        "screen_dark": "Wie viele dunkle Quadrate heben sich für Sie vom Schwarz ab?",
        "screen_light": "Wie viele helle Quadrate heben sich für Sie vom Weiß ab?",
        "sight_title": "Ihre Augen",
        "sight_rings": "Sitzen Sie so, wie Sie bewerten werden, mit Brille, wenn Sie eine tragen. Wo ist jeder Ring "
        "offen?",
        "sight_plates": "Welche Ziffer sehen Sie in den Punkten?",
        "sight_ring": "Ring {number}",
        "sight_plate": "Punkte {number}",
        "sight_unclear": "Nicht zu erkennen",
        "screen_button": "Weiter",
        "choose": "Bitte wählen…",
        "question": "Wie gut ist die Bildqualität?",
        "question_dcr": "Wie sichtbar ist die Störung des Bildes im Vergleich zur Referenz?",
        "question_pairs": "Welches Bild hat die bessere Qualität?",
        "question_pairs_reference": "Welches Bild hat, verglichen mit der Referenz, die bessere Qualität?",
        "reference_hint": "Dazu sehen Sie die Referenz: dasselbe Foto ohne Schäden.",
        "picture": "Das zu bewertende Bild",
        "picture_a": "Bild A",
        "picture_b": "Bild B",
        "reference": "Referenz",
        "left_better": "A ist besser",
        "right_better": "B ist besser",
        "no_difference": "Kein Unterschied",
        "space_bar": "Leertaste",
        "flip": "Umschalten",
        "flip_first": "Erst jedes Bild ansehen: mit der Leertaste, oder auf das Bild tippen.",
        "reasons": "Warum? (freiwillig)",
        "reason_blur": "Unschärfe",
        "reason_noise": "Rauschen",
        "reason_light": "Licht",
        "reason_colour": "Farbe",
        "reason_compression": "Kompression",
        "reason_artefacts": "Artefakte",
        "reason_face": "Gesicht",
        "training": "Übung {number} von {total}",
        "progress": "{done} von {total}",
        "minutes_left": "noch etwa {minutes} min",
        "unusable": "Unbrauchbar",
        "unusable_hint": "Kein Gesicht oder nichts zu erkennen",
        "undo": "Rückgängig",
        "all_graded": "Alles beurteilt; mit Enter geht es weiter.",
        "give_grade": "Dieses Urteil abgeben",
        "move_slider": "Bewegen Sie zuerst den Regler, mit Maus, Finger oder Pfeiltasten.",
        "saving": "{grade} wird gespeichert…",
        "saved": "Gespeichert: {grade}",
        "undone": "Zurückgenommen; bitte neu bewerten.",
        "undone_pairs": "Zurückgenommen; bitte neu vergleichen.",
        "feedback_exact": "Ihr Urteil: {given}. So war es erwartet.",
        "feedback_near": "Ihr Urteil: {given}. Das ist nah an dem, was erwartet war: {expected}.",
        "feedback_far": "Ihr Urteil: {given}; die meisten würden {expected} sagen.",
        "feedback_said": "Ihr Urteil: {given}.",
        "feedback_none": "Ihr Urteil: {given}. Dieses Bild dient der Übung, jede Antwort ist richtig.",
        "feedback_exact_pairs": "Ihre Antwort: {given}. So war es erwartet.",
        "feedback_far_pairs": "Ihre Antwort: {given}. Erwartet war: {expected}.",
        "feedback_said_pairs": "Ihre Antwort: {given}.",
        "feedback_none_pairs": "Ihre Antwort: {given}. Dieses Paar dient der Übung, jede Antwort ist richtig.",
        "next": "Nächstes Bild",
        "next_pairs": "Nächstes Paar",
        "too_small": "Das Bild passt nicht mehr. Vergrößern Sie das Fenster oder stellen Sie den Zoom auf 100 %.",
        "break_title": "Zeit für eine Pause",
        "break_hint": "Schauen Sie eine Weile in die Ferne. {done} von {total} sind geschafft.",
        "break_wait": "Weiter in {seconds} s",
        "go_on": "Weiter",
        "waiting_title": "Bitte einen Moment Geduld",
        "waiting_hint": "Andere bewerten gerade die letzten Bilder, oder die Studie ruht. Es geht von selbst weiter.",
        "finish_title": "Alle Bilder sind bewertet",
        "finish_title_pairs": "Alle Paare sind verglichen",
        "finish_hint": "Ihr letztes Urteil können Sie noch zurücknehmen. Nach dem Abschließen ändert sich nichts mehr.",
        "finish": "Abschließen",
        "end_title": "Vielen Dank",
        "end_hint": "Bewertete Bilder: {done}.",
        "end_hint_pairs": "Verglichene Paare: {done}.",
        "end_code": "Ihr Abschlusscode:",
        "copy": "Kopieren",
        "copied": "Kopiert",
        "to_panel": "Zurück zu Prolific",
        "returning": "Zurück zu Prolific in {seconds} s",
        "stay": "Hier bleiben",
        "another": "Weitere Bilder bewerten",
        "another_pairs": "Weitere Paare vergleichen",
        "again": "Noch einmal probieren",
        "close": "Schließen",
        "over_title": "Diese Studie ist vorbei",
        "over_hint": "Es kann niemand mehr anfangen. Danke für Ihr Interesse.",
        "full_title": "Es nehmen genug Menschen teil",
        "full_hint": "Diese Studie hat alle, die sie braucht. Danke für Ihr Interesse.",
        "closed_title": "Diese Studie ist geschlossen",
        "closed_hint": "Zurzeit kann nichts bewertet werden. Danke für Ihr Interesse.",
        "leave": "Pause",
        "left_title": "Sie machen Pause",
        "left_hint": "Alle Ihre Urteile sind gespeichert. Sie können jetzt weitermachen oder später mit demselben "
        "Link.",
        "withdraw": "Alles über mich löschen",
        "withdraw_sure": "Alle Ihre Antworten endgültig löschen?",
        "withdrawn_title": "Alles über Sie ist gelöscht",
        "withdrawn_hint": "Von Ihren Antworten ist nichts geblieben, und Ihr persönlicher Link öffnet nichts mehr.",
        "begin_anew": "Noch einmal teilnehmen, als neue Person",
        "offline": "Keine Verbindung. Ihr Urteil bleibt hier gespeichert und wird so bald wie möglich gesendet; bitte "
        "lassen Sie die Seite offen.",
        "offline_idle": "Keine Verbindung. Es geht so bald wie möglich von selbst weiter.",
        "busy": "Gerade bewerten viele zugleich. Nichts geht verloren; es geht von selbst weiter.",
        "resent": "Wieder verbunden; alles ist gespeichert.",
        "moved_on": "Dieses Bild wurde anderswo beantwortet; hier ist das nächste.",
        "moved_on_pairs": "Dieses Paar wurde anderswo beantwortet; hier ist das nächste.",
        "invalid_title": "Dieser Link lässt sich nicht öffnen",
        "invalid_hint": "Er ist unvollständig oder hier nicht bekannt. Öffnen Sie ihn genau so, wie Sie ihn bekommen "
        "haben, oder bitten Sie um einen neuen.",
        "outside_panel": "Er wurde außerhalb von Prolific geöffnet, das Ihre ID einsetzt. Öffnen Sie ihn von dort.",
        "unavailable_hint": "Der Server erreicht die Bewertungen nicht. Die Seite versucht es von selbst wieder.",
    },
)
