"""Spanish."""

from annotate.design.language import Language

LANGUAGE = Language(
    code="es",
    name="Español",
    scale_words=("Mala", "Mediocre", "Aceptable", "Buena", "Excelente"),
    impairment_words=("Muy molesta", "Molesta", "Ligeramente molesta", "Perceptible, pero no molesta", "Imperceptible"),
    scale_titles={"overall": "En conjunto", "details": "Detalles", "exposure": "Exposición"},
    instructions=(
        "Verá fotos de caras, una tras otra, y dirá qué calidad tiene la imagen: su nitidez, limpieza e "
        "iluminación, no lo atractiva que sea la persona. Cuenta su primera impresión."
    ),
    method_instructions={
        "dcr": (
            "Verá una foto de una cara, la referencia, y otra vez la misma foto, quizá degradada. Diga cuánto se "
            "nota la degradación y cuánto molesta, no lo atractiva que sea la persona. Cuenta su primera "
            "impresión."
        ),
        "pairs": (
            "Verá cada vez dos fotos de caras, A y B, y dirá qué imagen es mejor: más nítida, más limpia y mejor "
            "iluminada, no en cuál la persona es más atractiva. Cuenta su primera impresión."
        ),
    },
    consent=(
        "Guardamos sus respuestas con el tiempo empleado y el tamaño de la imagen en su pantalla, bajo un "
        "seudónimo, y solo las publicamos así. La participación es voluntaria: puede dejarlo en cualquier "
        "momento y hacer que se borre todo lo relativo a usted con su enlace personal."
    ),
    eligibility="Tengo al menos 18 años y veo bien, con gafas o lentillas si las necesito.",
    data_protection=(
        "El responsable de este estudio es quien le ha invitado; puede dirigirse a él por la misma vía. Se guardan "
        "sus respuestas con el momento y la duración de cada una, el tamaño de la imagen en su pantalla, lo que ha "
        "medido la comprobación de su pantalla, lo que diga de usted si se le pregunta y, si le ha enviado un panel, "
        "el identificador que este le da. Se necesita para saber cómo de buenas se ven las imágenes; las respuestas "
        "solo se publican con un seudónimo. Nadie le sigue: no hay cookies de publicidad, y su navegador solo guarda "
        "su enlace personal para que pueda continuar.\n\nEn esta página puede hacer borrar en cualquier momento todo "
        "lo que hay sobre usted, y puede pedir a quien le ha invitado una copia de todo ello. Las copias de "
        "seguridad conservan lo borrado hasta que se sustituyen. Puede reclamar ante la autoridad de protección de "
        "datos de su lugar de residencia."
    ),
    trap_request="Pregunta de control.\nPor favor, responda:",
    trap_comparison="Pregunta de control.\nMejor la izquierda: {left}\nMejor la derecha: {right}",
    ready_questions={
        "age_group": ("¿Qué edad tiene?", ("De 18 a 29", "De 30 a 44", "De 45 a 59", "60 o más")),
        "gender": ("¿Cuál es su género?", ("mujer", "hombre", "otro")),
        "viewing_distance": (
            "¿A qué distancia están sus ojos de la pantalla?",
            ("menos de 30 cm", "de 30 a 50 cm", "de 50 a 80 cm", "más de 80 cm"),
        ),
        "device": (
            "¿En qué dispositivo mira las imágenes?",
            ("teléfono", "tableta", "portátil", "monitor", "televisor"),
        ),
    },
    wording={
        "language": "Idioma",
        "demo": "Demo",
        "demo_hint": "Es una demostración con un solo retrato. Sus respuestas se guardan como las demás, pero no "
        "significan nada.",
        "preview": "Prueba",
        "preview_hint": "Así ven el estudio los participantes. Nada de lo que responda aquí se guarda.",
        "preview_gone": "Esta prueba ha terminado. Empiece otra en la pestaña Studies, en Set-up.",
        "loading": "Un momento…",
        "step_consent": "Permiso",
        "step_screen": "Pantalla",
        "step_training": "Práctica",
        "step_rating": "Valoración",
        "step_end": "Gracias",
        "consent_title": "¿Qué calidad tienen estas imágenes?",
        "consent_title_dcr": "¿Cuánto se nota la degradación?",
        "consent_title_pairs": "¿Qué imagen es mejor?",
        "consent_heading": "Qué pasa con sus respuestas",
        "storage_until": "Aquello por lo que un panel le conoce y su código de finalización se borran el {date}. Sus "
        "respuestas se conservan con el seudónimo.",
        "storage_unlimited": "Sus respuestas se conservan, con el seudónimo, hasta que las haga borrar o se borre el "
        "estudio.",
        "data_protection_title": "Protección de datos",
        "consent_button": "De acuerdo, empecemos",
        "consent_box": "Lo he leído y acepto participar.",
        "questions_title": "Sobre usted",
        "questions_hint": "No tiene que responder; se guarda con sus valoraciones, bajo el mismo seudónimo.",
        "no_answer": "Sin respuesta",
        "screen_title": "Su pantalla",
        "screen_hint": "Las imágenes se muestran a su propio tamaño, nunca escaladas. Ponga el zoom del navegador al "
        "100 %, atenúe la luz de la habitación y deje la pantalla con su brillo habitual.",
        "screen_fits": "Las imágenes caben en su pantalla.",
        "screen_small": "Las imágenes necesitan {needed} píxeles y su ventana tiene {there}. Agrande la ventana, "
        "gire el "
        "teléfono o abra este enlace en una pantalla mayor.",
        "screen_never": "Esta pantalla es demasiado pequeña para estas imágenes: necesitan {needed} píxeles y tiene "
        "{there}. Abra este enlace en una pantalla mayor, como la de un ordenador.",
        "screen_required": "Este estudio necesita una pantalla mayor: {needed} píxeles en su lado corto; la suya tiene "
        "{there}. Abra este enlace en una tableta o un ordenador.",
        "screen_zoom": "Su relación de píxeles es {ratio}; con zoom al 100 % suele ser un número entero.",
        "screen_enlarged": "La página está ampliada; vuelva a su tamaño normal.",
        "screen_dark": "¿Cuántos cuadrados oscuros distingue del negro que los rodea?",
        "screen_light": "¿Cuántos cuadrados claros distingue del blanco que los rodea?",
        "sight_title": "Su vista",
        "sight_rings": "Siéntese como cuando vaya a valorar, con gafas si las lleva. ¿Por dónde está abierto cada "
        "anillo?",
        "sight_plates": "¿Qué cifra ve en los puntos?",
        "sight_ring": "Anillo {number}",
        "sight_plate": "Puntos {number}",
        "sight_unclear": "No lo distingo",
        "screen_button": "Continuar",
        "choose": "Elija…",
        "question": "¿Qué calidad tiene la imagen?",
        "question_dcr": "Comparada con la referencia, ¿cuánto se nota la degradación de la imagen?",
        "question_pairs": "¿Qué imagen tiene mejor calidad?",
        "question_pairs_reference": "En comparación con la referencia, ¿qué imagen tiene mejor calidad?",
        "reference_hint": "Verá además la referencia: la misma foto sin daños.",
        "picture": "La imagen que se valora",
        "picture_a": "Imagen A",
        "picture_b": "Imagen B",
        "reference": "Referencia",
        "left_better": "A es mejor",
        "right_better": "B es mejor",
        "no_difference": "Ninguna diferencia",
        "space_bar": "Espacio",
        "flip": "Alternar",
        "flip_first": "Mire antes cada imagen: pulse Espacio o toque la imagen.",
        "reasons": "¿Por qué? (opcional)",
        "reason_blur": "Desenfoque",
        "reason_noise": "Ruido",
        "reason_light": "Luz",
        "reason_colour": "Color",
        "reason_compression": "Compresión",
        "reason_artefacts": "Artefactos",
        "reason_face": "Cara",
        "training": "Práctica {number} de {total}",
        "progress": "{done} de {total}",
        "minutes_left": "aprox. {minutes} min más",
        "unusable": "Inservible",
        "unusable_hint": "Sin cara, o no se ve nada",
        "undo": "Deshacer",
        "all_graded": "Todo valorado; siga con Intro.",
        "give_grade": "Dar esta nota",
        "move_slider": "Mueva primero el control, con el ratón, el dedo o las flechas.",
        "saving": "Guardando {grade}…",
        "saved": "Guardado: {grade}",
        "undone": "Deshecho; valórela de nuevo.",
        "undone_pairs": "Deshecho; compárelo de nuevo.",
        "feedback_exact": "Ha dicho {given}. Es lo que se esperaba.",
        "feedback_near": "Ha dicho {given}. Se acerca a lo que se esperaba: {expected}.",
        "feedback_far": "Ha dicho {given}; la mayoría diría {expected}.",
        "feedback_said": "Ha dicho {given}.",
        "feedback_none": "Ha dicho {given}. Esta imagen es para practicar: cualquier respuesta vale.",
        "feedback_exact_pairs": "Su respuesta: {given}. Es lo que se esperaba.",
        "feedback_far_pairs": "Su respuesta: {given}. Se esperaba: {expected}.",
        "feedback_said_pairs": "Su respuesta: {given}.",
        "feedback_none_pairs": "Su respuesta: {given}. Este par es para practicar: cualquier respuesta vale.",
        "next": "Imagen siguiente",
        "next_pairs": "Siguiente par",
        "too_small": "La imagen ya no cabe. Agrande la ventana o ponga el zoom al 100 %.",
        "break_title": "Un descanso",
        "break_hint": "Mire a lo lejos un rato. Lleva {done} de {total}.",
        "break_wait": "Seguir en {seconds} s",
        "go_on": "Seguir",
        "waiting_title": "Espere un momento",
        "waiting_hint": "Otras personas valoran las últimas imágenes, o el estudio está en pausa. La página sigue "
        "sola.",
        "finish_title": "Todas las imágenes están valoradas",
        "finish_title_pairs": "Todos los pares están comparados",
        "finish_hint": "Todavía puede deshacer su última respuesta. Después de terminar ya no se cambia nada.",
        "finish": "Terminar",
        "end_title": "Muchas gracias",
        "end_hint": "Imágenes valoradas: {done}.",
        "end_hint_pairs": "Pares comparados: {done}.",
        "end_code": "Su código de finalización:",
        "copy": "Copiar",
        "copied": "Copiado",
        "to_panel": "Volver a Prolific",
        "returning": "De vuelta a Prolific en {seconds} s",
        "stay": "Quedarse aquí",
        "another": "Valorar más imágenes",
        "another_pairs": "Comparar más pares",
        "again": "Probar otra vez",
        "close": "Cerrar",
        "over_title": "Este estudio ha terminado",
        "over_hint": "Ya no puede empezar nadie. Gracias por su interés.",
        "full_title": "Ya participan suficientes personas",
        "full_hint": "Este estudio tiene a todas las personas que necesita. Gracias por su interés.",
        "closed_title": "Este estudio está cerrado",
        "closed_hint": "Ahora no se puede valorar nada. Gracias por su interés.",
        "leave": "Pausa",
        "left_title": "Está en pausa",
        "left_hint": "Todo lo que ha valorado está guardado. Puede seguir ahora o más tarde con el mismo enlace.",
        "withdraw": "Borrar todo lo mío",
        "withdraw_sure": "¿Borrar para siempre todas sus respuestas?",
        "withdrawn_title": "Se ha borrado todo lo suyo",
        "withdrawn_hint": "No queda nada de sus respuestas, y su enlace personal ya no abre nada.",
        "begin_anew": "Participar de nuevo, como otra persona",
        "offline": "Sin conexión. Su respuesta se conserva aquí y se enviará en cuanto sea posible; deje abierta la "
        "página.",
        "offline_idle": "Sin conexión. La página seguirá sola en cuanto sea posible.",
        "busy": "Ahora valoran muchas personas a la vez. No se pierde nada; la página sigue sola.",
        "resent": "Conexión recuperada; todo está guardado.",
        "moved_on": "Esa imagen se respondió en otro sitio; aquí está la siguiente.",
        "moved_on_pairs": "Ese par se respondió en otro sitio; aquí está el siguiente.",
        "invalid_title": "Este enlace no se puede abrir",
        "invalid_hint": "Está incompleto o no se conoce aquí. Ábralo tal como lo recibió, o pida uno nuevo.",
        "outside_panel": "Se abrió fuera de Prolific, que pone en él su ID. Ábralo desde allí.",
        "unavailable_hint": "El servidor no llega a sus datos. La página lo intenta de nuevo sola.",
    },
)
